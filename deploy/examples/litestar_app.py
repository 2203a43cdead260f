"""A Litestar app with its reservation: uvicorn litestar_app:app"""

from __future__ import annotations

from pathlib import Path

from litestar import Litestar, MediaType, get

from vorbehalt import VorbehaltMiddleware


@get("/", media_type=MediaType.TEXT)
async def home() -> str:
    return "a page"


app = VorbehaltMiddleware(Litestar([home]), config=Path(__file__).with_name("vorbehalt.toml"))  # type: ignore[arg-type]
