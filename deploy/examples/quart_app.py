"""A Quart app with its reservation: uvicorn quart_app:app"""

from __future__ import annotations

from pathlib import Path

from quart import Quart

from vorbehalt import VorbehaltMiddleware

app = Quart(__name__)
app.asgi_app = VorbehaltMiddleware(app.asgi_app, config=Path(__file__).with_name("vorbehalt.toml"))  # type: ignore[method-assign,assignment,arg-type]


@app.get("/")
async def home() -> str:
    return "a page"
