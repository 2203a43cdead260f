"""Old logs through the engine: what would have happened on them under this policy."""

from __future__ import annotations

from vorbehalt.replay.enforcing import enforced, observes
from vorbehalt.replay.report import About, render_html
from vorbehalt.replay.result import Result
from vorbehalt.replay.run import Judge, LogError, Progress, replay

__all__ = [
    "About",
    "Judge",
    "LogError",
    "Progress",
    "Result",
    "enforced",
    "observes",
    "render_html",
    "replay",
]
