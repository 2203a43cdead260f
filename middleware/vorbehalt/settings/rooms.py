"""The tables that hold for the whole process: network, evidence, state, metrics, log, sidecar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from vorbehalt.evidence.leaf.headers import may_be_redacted
from vorbehalt.evidence.vault.retention import DEFAULTS, RECORDS, parse_period
from vorbehalt.facts import AI_PURPOSES, Purpose
from vorbehalt.policy.tables import Table, shown
from vorbehalt.settings.anchors import read_anchors
from vorbehalt.settings.model import (
    EvidenceSettings,
    NetworkSettings,
    RecordKind,
    SidecarSettings,
)  # fmt: skip
from vorbehalt.settings.values import (
    read_header_name,
    read_listen,
    read_proxies,
    read_seconds,
    read_upstream,
    resolved,
)

LogFormat = Literal["console", "json"]
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
OFF, MEMORY = "off", "memory:"
DIRECTORY = "vorbehalt-evidence"

_COUNTED: frozenset[Purpose] = frozenset({Purpose.TOOL, Purpose.HEADLESS})
_KINDS: tuple[str, ...] = get_args(RecordKind)
_BYTES = re.compile(r"([1-9]\d{0,6})(MB|GB|TB)")
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_SHORT_SECRET = 16
_DAY, _HOUR = 86400, 3600


def default_record(purpose: Purpose) -> RecordKind:
    """Return what an answered visit for this purpose leaves unless the configuration says otherwise."""
    if purpose in AI_PURPOSES:
        return "full"
    return "none" if purpose in _COUNTED else "rollup"


def read_network(table: Table, documents: Mapping[str, bytes]) -> NetworkSettings:
    """Read [network]."""
    hit = read_seconds(table, "ranges_hit_max_age", 30 * _DAY)
    miss = read_seconds(table, "ranges_miss_max_age", _DAY)
    for name, seconds, unit, word in (
        ("ranges_hit_max_age", hit, _DAY, "days"),
        ("ranges_miss_max_age", miss, _HOUR, "hours"),
    ):
        if seconds < unit or seconds % unit:
            table.flaw(name, "V023", f"{table.where(name)} must be whole {word}, at least one")
    if miss > _DAY:
        table.flaw(
            "ranges_miss_max_age", "V114", "a list older than 24 h misses new addresses of genuine crawlers"
        )
    network = NetworkSettings(
        trusted_proxies=read_proxies(table, "trusted_proxies", documents),
        refresh=_read_lookup(table, "refresh", "aiohttp"),
        dns=_read_lookup(table, "dns", "dns"),
        signatures=_read_lookup(table, "signatures", "aiohttp"),
        ranges_hit_max_age_days=int(hit // _DAY),
        ranges_miss_max_age_hours=int(miss // _HOUR),
        client_header=read_header_name(table, "client_header"),
    )
    if network.client_header and not table.raw("trusted_proxies"):
        table.flaw(
            "client_header",
            "V005",
            f"{network.client_header} is believed only from proxies that network.trusted_proxies names",
        )
    table.finish()
    return network


def _read_lookup(table: Table, name: str, module: str) -> bool:
    """Read whether the outside is asked; not without the module that asks."""
    wanted = table.flag(name)
    if wanted and find_spec(module) is None:
        table.flaw(
            name,
            "V105",
            f"network.{name} has no effect without the extra: pip install 'vorbehalt[verify]'",
        )
        return False
    return wanted


def read_evidence(table: Table, base: Path, origin: str) -> EvidenceSettings:
    """Read [evidence]; `origin` is that of the default host."""
    directory = table.text("directory", DIRECTORY) or DIRECTORY
    if directory not in (OFF, MEMORY):
        if directory.lower() in (OFF, MEMORY, "memory", "none"):
            table.flaw("directory", "V007", f'{shown(directory)} is no directory; write "off" or "memory:"')
        directory = str(resolved(base, directory))
    deadline = read_seconds(table, "reply_deadline", 0.25, bare=True)
    if not 0 < deadline <= 60:
        table.flaw("reply_deadline", "V007", "evidence.reply_deadline must be above 0 and at most 60 seconds")
    evidence = EvidenceSettings(
        directory=directory,
        origin=_read_log_origin(table, origin),
        reply_deadline_seconds=float(deadline),
        record=_read_record(table.table("record")),
        retention=_read_retention(retention := table.table("retention")),
        records=_read_records(retention),
        redact=_read_redact(table),
        max_bytes=_read_max_bytes(table),
        query_keys=table.texts("query_keys"),
        anchors=read_anchors(table, base, is_kept_nowhere=directory in (OFF, MEMORY)),
    )
    table.finish()
    return evidence


def _read_log_origin(table: Table, origin: str) -> str:
    text = table.text("origin")
    if not text:
        return f"{urlsplit(origin).netloc or 'unnamed'}/evidence"
    # The name stands in the first line of each checkpoint and in key lines, which `+` and blanks would split.
    if "://" in text or any(char in text for char in "+ \t") or not text.isascii() or text.startswith("/"):
        table.flaw(
            "origin",
            "V009",
            f"{shown(text)} cannot name a log; write it without scheme, like label.example/evidence",
        )
    return text


def _read_record(table: Table) -> dict[Purpose, RecordKind]:
    record = {purpose: default_record(purpose) for purpose in Purpose}
    for purpose in Purpose:
        # Every purpose is asked for, so that the others are found unknown.
        kind = table.choice(purpose.value, record[purpose], _KINDS)
        if purpose in AI_PURPOSES and kind != "full":
            table.flaw(
                purpose.value, "V117", f"answers to {purpose.value} crawlers would not be recorded one by one"
            )
        record[purpose] = cast(RecordKind, kind)
    table.finish()
    return record


def _read_records(table: Table) -> str:
    text = table.text("records", RECORDS)
    try:
        period = parse_period(text)
    except ValueError:
        table.flaw("records", "V023", f'{table.where("records")} must be a period such as "365d" or "3y"')
        table.finish()
        return RECORDS
    if not period.years and period.days < parse_period(RECORDS).days:
        table.flaw(
            "records",
            "V145",
            f"{table.where('records')} lets records go after {text}: claims may be made for years",
        )
    table.finish()
    return text


def _read_retention(table: Table) -> dict[str, str]:
    kept = dict(DEFAULTS)
    for name, default in DEFAULTS.items():
        text = table.text(name, default)
        try:
            parse_period(text)
        except ValueError:
            table.flaw(name, "V023", f'{table.where(name)} must be a period such as "30d" or "3y"')
        else:
            kept[name] = text
    return kept


def _read_redact(table: Table) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.lower() for name in table.texts("redact")))
    for name in names:
        if not may_be_redacted(name):
            table.flaw(
                "redact",
                "V007",
                f"{shown(name)} cannot be redacted: it is in no record anyway, or the claim rests on it",
            )
    return names


def _read_max_bytes(table: Table) -> int:
    text = table.text("max_bytes")
    found = _BYTES.fullmatch(text)
    if text and found is None:
        table.flaw("max_bytes", "V023", 'evidence.max_bytes must be an amount such as "500MB" or "20GB"')
    return int(found[1]) * _UNITS[found[2]] if found is not None else 0


def read_sidecar(table: Table) -> SidecarSettings:
    """Read [sidecar]."""
    secret = table.text("secret") or None
    if secret is not None and len(secret) < _SHORT_SECRET:
        table.flaw("secret", "V119", f"sidecar.secret is shorter than {_SHORT_SECRET} characters")
    if secret is not None and not (secret.isascii() and secret.isprintable() and secret == secret.strip()):
        table.flaw(
            "secret", "V007", "sidecar.secret goes over HTTP in a header: printable ASCII, no blanks around"
        )
        secret = None
    timeout = read_seconds(table, "upstream_timeout", SidecarSettings().upstream_timeout_seconds)
    if timeout <= 0:
        table.flaw("upstream_timeout", "V023", "sidecar.upstream_timeout must be longer than nothing")
    sidecar = SidecarSettings(
        upstream=read_upstream(table, "upstream"),
        listen=read_listen(table, "listen") or SidecarSettings().listen,
        metrics_listen=read_listen(table, "metrics_listen"),
        secret=secret,
        upstream_timeout_seconds=timeout,
    )
    table.finish()
    return sidecar


def read_metrics(table: Table) -> str | None:
    """Read [metrics]."""
    listen = read_listen(table, "listen")
    table.finish()
    return listen


def read_log(table: Table) -> tuple[LogFormat, str, bool]:
    """Read [log]: format, level, and whether refusals are told."""
    form = table.choice("format", "console", get_args(LogFormat))
    text = table.text("level", "INFO")
    if text.upper() not in LEVELS:
        table.flaw("level", "V007", f"log.level cannot be {shown(text)}; use one of: {', '.join(LEVELS)}")
        text = "INFO"
    refusals = table.flag("refusals", False)
    table.finish()
    return cast(LogFormat, form), text.upper(), refusals
