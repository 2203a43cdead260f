"""What a record says of what a crawler was told before, as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vorbehalt.cli.output import utc
from vorbehalt.evidence.reading.query import Filters, show


def told_sentences(seen: Mapping[str, Any]) -> list[str]:
    """Return lines for people about `told` and `robots` of a `request` record; none where it has neither."""
    claim = _mapping(seen.get("claim"))
    crawler, operator = str(claim.get("token")), str(claim.get("operator"))
    return [
        *_told(_mapping(seen.get("told")), crawler, operator),
        *_robots(_mapping(seen.get("robots")), crawler),
    ]


def sent_sentences(directory: Path, record: Mapping[str, Any]) -> list[str]:
    """Return lines about what a proxy that asked us then sent: not seen by us, but perhaps in its log."""
    if _mapping(record.get("seen")).get("vantage") != "forward-auth":
        return []
    lines = ["asked by a proxy (forward auth): whether and what the site then sent is not seen by us"]
    of_this = {"seen.of": str(record["ref"]), "seen.vantage": "access-log"}
    for found in show(directory, Filters(type="completion", fields=of_this)):
        seen = _mapping(found["seen"])
        whole = {True: "whole", False: "broken off"}.get(seen.get("whole"), "whole or not is not said")  # type: ignore[arg-type]
        lines.append(
            f"the proxy's own log says: status {seen.get('status')}, {seen.get('bytes')} bytes, {whole}"
            f" (record {found['index']}, joined on {utc(int(str(found['at'])))})"
        )
    return lines


def _told(told: Mapping[str, Any], crawler: str, operator: str) -> list[str]:
    lines: list[str] = []
    missing: list[str] = []
    for path, fetch in _mapping(told.get("crawler")).items():
        if isinstance(fetch, Mapping):
            lines += _fetch(path, fetch, f"{crawler} last fetched")
        else:
            missing.append(path)
    for path, fetch in _mapping(told.get("operator")).items():
        lines += _fetch(path, _mapping(fetch), f"{operator}, with one of its crawlers, last fetched")
    if missing:
        lines.append(f"told: none since {_time(told.get('since'))} to {crawler}: {', '.join(missing)}")
    return lines


def _fetch(path: str, fetch: Mapping[str, Any], who: str) -> list[str]:
    lines = [f"told: {path}: {who} {_version(fetch)} on {_time(fetch.get('at'))} ({_how(fetch)})"]
    later = _mapping(fetch.get("later"))
    if later:
        lines.append(
            f"told: {path}: later, on {_time(later.get('at'))}, a client that bore this name fetched"
            f" {_version(later)} ({_how(later)})"
        )
    return lines


def _robots(robots: Mapping[str, Any], crawler: str) -> list[str]:
    if not robots:
        return []
    lines = [f"robots.txt: {_version(robots)}: {crawler} {_said(robots)}"]
    if robots.get("documented") is False:
        lines.append(f"robots.txt: {crawler} is not known to read it; asked for under this name")
    if permission := robots.get("permission"):
        lines.append(f"robots.txt: overridden by {permission}: no violation")
    fetched = _mapping(robots.get("fetched"))
    if fetched:
        lines.append(f"robots.txt: {_version(fetched)}, which {crawler} had fetched: it {_said(fetched)}")
    return lines


def _said(robots: Mapping[str, Any]) -> str:
    if not isinstance(robots.get("allowed"), bool):
        return "may or may not fetch this: unknown, the file is not at hand"
    verb = "may fetch this" if robots["allowed"] else "may not fetch this"
    if robots.get("number") is None:
        return f"{verb}: no rule"
    return f'{verb}: line {robots["number"]} "{robots.get("line")}" for "{robots.get("agent")}"'


def _how(fetch: Mapping[str, Any]) -> str:
    return f"{fetch.get('standing')}, status {fetch.get('status')}"


def _version(said: Mapping[str, Any]) -> str:
    return f"version {str(said.get('version'))[:16]}"


def _time(at: object) -> str:
    text = str(at)
    return utc(int(text)) if text.isdecimal() else "a time that is not recorded"


def _mapping(value: object) -> Mapping[str, Any]:
    """A record that was cut to fit may lack parts."""
    return value if isinstance(value, Mapping) else {}
