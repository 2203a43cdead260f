"""Log lines of the sidecar, for people or machines: one event is one line, whatever a client put into it."""

from __future__ import annotations

import json
import logging
import sys
import time

from vorbehalt.policy.verdict import Verdict
from vorbehalt.settings.model import Settings

log = logging.getLogger("vorbehalt.refusals")


class ConsoleLines(logging.Formatter):
    """`time level message`; characters that could forge a line or drive a terminal are escaped."""

    converter = time.gmtime  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).split("\n")
        return "\n  ".join("".join(c if c.isprintable() else _escaped(c) for c in line) for line in lines)


class JsonLines(logging.Formatter):
    """One JSON object a line, pure ASCII."""

    converter = time.gmtime  # type: ignore[assignment]

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **(getattr(record, "fields", None) or {}),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event)


def tell_refusal(reference: str, verdict: Verdict, host: str) -> None:
    """Log one refusal: nothing that the client made up, and no address."""
    identity = verdict.identity
    token, standing = (identity.token, identity.standing.value) if identity else (None, None)
    fields = {
        "reference": reference,
        "action": verdict.action.value,
        "rule": verdict.rule,
        "crawler": token,
        "standing": standing,
        "host": host or None,
    }
    who = f"{token} ({standing})" if token else "no claim"
    log.info(
        "%s %s by the rule %s: %s",
        reference,
        verdict.action.value,
        verdict.rule,
        who,
        extra={"fields": fields},
    )


def configure(settings: Settings) -> None:
    """Send the log to standard error in the form that `[log]` asks for; replaces handlers set before."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.log_format == "json" else ConsoleLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
