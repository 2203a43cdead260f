"""Old logs through the engine: what would have happened on them under this policy."""

from __future__ import annotations

from vorbehalt.replay.report import About, render_html
from vorbehalt.replay.result import Result
from vorbehalt.replay.run import Judge, LogError, Progress, replay

run = replay
result_json = Result.as_json

__all__ = ["About", "Judge", "LogError", "Progress", "Result", "render_html", "replay", "result_json", "run"]
