"""A FastAPI app with its reservation: uvicorn fastapi_app:app"""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from vorbehalt import VorbehaltMiddleware, metrics_app

app = FastAPI()
app.add_middleware(VorbehaltMiddleware, config=Path(__file__).with_name("vorbehalt.toml"))
app.mount("/metrics", metrics_app)


@app.get("/", response_class=PlainTextResponse)
async def home() -> str:
    return "a page"
