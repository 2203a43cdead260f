"""A Starlette app with its reservation: uvicorn starlette_app:app"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from vorbehalt import VorbehaltMiddleware, metrics_app


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse("a page")


app = Starlette(routes=[Route("/", home), Mount("/metrics", metrics_app)])
app.add_middleware(VorbehaltMiddleware, config=Path(__file__).with_name("vorbehalt.toml"))
