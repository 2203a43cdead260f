"""Vorbehalt: reserves rights against AI crawlers, turns away those you name, keeps proof.

The public names are loaded on first use, so that the pure rooms import without Starlette.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vorbehalt.edge.asgi import VorbehaltMiddleware
    from vorbehalt.edge.markup import reservation_context, reservation_feed, reservation_meta, trap_link
    from vorbehalt.edge.metrics import metrics_app
    from vorbehalt.errors import ConfigError, VorbehaltError
    from vorbehalt.facts import Action
    from vorbehalt.policy.verdict import Verdict
    from vorbehalt.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "Action",
    "ConfigError",
    "Settings",
    "Verdict",
    "VorbehaltError",
    "VorbehaltMiddleware",
    "__version__",
    "metrics_app",
    "reservation_context",
    "reservation_feed",
    "reservation_meta",
    "trap_link",
]

_HOMES = {
    "Action": "vorbehalt.facts",
    "ConfigError": "vorbehalt.errors",
    "Settings": "vorbehalt.settings",
    "Verdict": "vorbehalt.policy.verdict",
    "VorbehaltError": "vorbehalt.errors",
    "VorbehaltMiddleware": "vorbehalt.edge.asgi",
    "metrics_app": "vorbehalt.edge.metrics",
    "reservation_context": "vorbehalt.edge.markup",
    "reservation_feed": "vorbehalt.edge.markup",
    "reservation_meta": "vorbehalt.edge.markup",
    "trap_link": "vorbehalt.edge.markup",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'vorbehalt' has no attribute {name!r}")
    _require_locks()
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def _require_locks() -> None:
    """Refuse a platform without fcntl in words: counters and evidence of several processes need its locks."""
    try:
        import fcntl  # noqa: F401
    except ImportError:
        from vorbehalt.errors import PlatformError

        raise PlatformError(
            "Vorbehalt needs file locks (fcntl), which Linux and macOS have and this platform has not;"
            " on Windows run it in WSL or a Linux container"
        ) from None
