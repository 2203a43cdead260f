"""Times as a dossier writes them: RFC 3339 UTC. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from vorbehalt.claims.ledger_text import moment


def exact(at: int) -> str:
    """Return nanoseconds UTC as RFC 3339 that loses nothing; whole seconds where it is one."""
    fraction = at % 10**9
    return f"{moment(at)[:-1]}.{fraction:09d}".rstrip("0") + "Z" if fraction else moment(at)


def nanoseconds(text: str) -> int:
    """Return what `exact` or `moment` wrote, in nanoseconds UTC. Raises ValueError."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0") or "0")
