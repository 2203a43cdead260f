"""From a rule as written, `[[policy.rule]]` or a preset's `[[rule]]`, to a Rule."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from ipaddress import ip_network
from typing import cast, get_args

from vorbehalt.facts import Action, Purpose, Standing
from vorbehalt.identify.registry import Basis
from vorbehalt.patterns.definition import LEVELS
from vorbehalt.policy.classes import RequestClass
from vorbehalt.policy.reasons import REASONS
from vorbehalt.policy.rules import Match, Mode, Quota, Rule, Scope
from vorbehalt.policy.tables import Table, shown

MODES: tuple[str, ...] = get_args(Mode)
RESERVED_NAMES = frozenset({"default-allow", "open-path"})
"""Names of decisions that no rule makes."""
CHALLENGE_QUOTA = Quota(10, 60, "prefix")
"""Stands in for a challenge while none is configured, unless the rule brings a limit of its own."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LIMIT = re.compile(
    r"(?P<count>\d{1,9})\s*/\s*(?P<times>\d{1,6})?\s*(?P<unit>[a-z]+)"
    r"(?:\s+per\s+(?P<per>[a-z]+)(?P<by_class>\s+and\s+class)?)?(?:\s+burst\s+(?P<burst>\d{1,9}))?"
)
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_LONGEST_PERIOD = 31 * 86400
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")


def parse_limit(text: str) -> Quota:
    """Parse a limit such as `120/min per operator` or `100/10min`; ValueError says what is wrong."""
    found = _LIMIT.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f'{shown(text)} is no limit; write it like "120/min per operator"')
    unit, per = found["unit"], found["per"] or "prefix"
    if unit not in _UNITS:
        raise ValueError(f"{shown(unit)} is no unit of time; use s, min, h or d")
    if per not in get_args(Scope):
        raise ValueError(f"a limit counts per {', '.join(get_args(Scope))}, not per {shown(per)}")
    count, period = int(found["count"]), int(found["times"] or 1) * _UNITS[unit]
    if count == 0:
        raise ValueError('a limit of 0 lets nothing through; write action = "block" instead')
    if not 0 < period <= _LONGEST_PERIOD:
        raise ValueError("a limit's period must be between 1 second and 31 days")
    return Quota(count, period, cast(Scope, per), int(found["burst"] or 0), bool(found["by_class"]))


def read_rule(table: Table, *, mode: Mode | None = None) -> Rule:
    """Read one rule; flaws are noted in the table. `mode` holds if the rule names none."""
    name = table.text("name", required=True)
    if name and not _NAME.fullmatch(name):
        table.flaw("name", "V013", f"{shown(name)} is no rule name; use letters, digits, '.', '_' and '-'")
    if name in RESERVED_NAMES:
        table.flaw("name", "V013", f"{shown(name)} is a reserved name")
    if not table.has("match"):
        table.flaw(
            "match", "V005", f"{table.where('match')} is missing; write match = {{}} if everybody is meant"
        )
    match = _read_match(table.table("match"))
    action = Action(table.choice("action", "allow", [action.value for action in Action], required=True))
    action, limit = _effect(table, action)
    own_mode = table.choice("mode", mode or "", MODES)
    rule = Rule(
        name=name,
        match=match,
        action=action,
        limit=limit,
        mode=cast(Mode, own_mode) if own_mode else None,
        until=read_moment(table, "until"),
        reason=_reason(table, match),
    )
    table.finish()
    return rule


def _effect(table: Table, action: Action) -> tuple[Action, Quota | None]:
    limit = None
    if text := table.text("limit"):
        try:
            limit = parse_limit(text)
        except ValueError as error:
            table.flaw("limit", "V014", str(error))
            return action, None
    if action is Action.BLOCK and limit is not None:
        table.flaw("limit", "V015", 'a rule that blocks takes no limit; write action = "limit"')
    elif action is Action.LIMIT:
        if limit is None:
            table.flaw("action", "V015", 'action = "limit" needs a limit, such as limit = "10/min"')
        return Action.ALLOW, limit
    elif action is Action.CHALLENGE:
        return action, limit or CHALLENGE_QUOTA
    return action, limit


def _read_match(table: Table) -> Match:
    for name in table.items():
        if table.raw(name) == [] or table.raw(name) == "":
            # An empty field asks nothing, so an emptied list would make the rule match everybody.
            table.flaw(name, "V007", f"{table.where(name)} is empty; leave the key out if it asks nothing")
    match = Match(
        token=table.texts("token", lone=True),
        operator=table.texts("operator", lone=True),
        purpose=tuple(Purpose(v) for v in table.choices("purpose", [p.value for p in Purpose])),
        standing=tuple(Standing(v) for v in table.choices("standing", [s.value for s in Standing])),
        basis=table.choices("basis", get_args(Basis)),
        control=table.flag("control") if table.has("control") else None,
        legal_deposit=table.flag("legal_deposit") if table.has("legal_deposit") else None,
        path=read_patterns(table, "path"),
        section=table.texts("section", lone=True),
        classes=cast(tuple[RequestClass, ...], table.choices("class", get_args(RequestClass))),
        finding=table.texts("finding", lone=True),
        score=_read_score(table),
        level=table.choice("level", "", LEVELS[1:]),
        address=_read_networks(table),
        host=_read_hosts(table),
    )
    table.finish()
    return match


def read_patterns(table: Table, name: str) -> tuple[str, ...]:
    """Read path patterns (RFC 9309 section 2.2.3: `*` and a final `$`)."""
    patterns = table.texts(name, lone=True)
    for pattern in patterns:
        if not pattern.startswith(("/", "*")):
            table.flaw(name, "V022", f"the path pattern {shown(pattern)} must start with / or *")
        elif any(char in pattern for char in "?# "):
            table.flaw(
                name, "V022", f"the path pattern {shown(pattern)} holds a character that no path holds"
            )
    return patterns


def _read_score(table: Table) -> int | None:
    score = table.number("score")
    if score is not None and score != int(score):
        table.flaw("score", "V004", f"{table.where('score')} must be a whole number")
    return None if score is None else int(score)


def _read_networks(table: Table) -> tuple[str, ...]:
    networks = []
    for text in table.texts("address", lone=True):
        try:
            networks.append(str(ip_network(text)))
        except ValueError as error:
            table.flaw("address", "V011", f"{shown(text)} is no network: {error}")
    return tuple(networks)


def _read_hosts(table: Table) -> tuple[str, ...]:
    hosts = tuple(text.lower().rstrip(".") for text in table.texts("host", lone=True))
    for host in hosts:
        if not _HOST.fullmatch(host):
            table.flaw(
                "host", "V020", f"{shown(host)} is no host name (without scheme and port; *. may lead)"
            )
    return hosts


def read_moment(table: Table, name: str) -> datetime | None:
    """Read a date or a time, aware; without a zone it is UTC."""
    value = table.raw(name)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
        if value is None:
            table.flaw(name, "V016", f"{table.where(name)} is no date; write it like 2027-01-31")
            return None
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    table.flaw(name, "V016", f"{table.where(name)} must be a date, not {shown(value)}")
    return None


def _reason(table: Table, match: Match) -> str:
    if given := table.text("reason"):
        if given not in REASONS:
            table.flaw("reason", "V007", f"{shown(given)} is no reason code")
        return given
    return derived_reason(match)


def derived_reason(match: Match) -> str:
    """Return the reason code of a rule that names none, from the most telling thing that it asks."""
    for name in (
        "token", "finding", "score", "level", "operator", "purpose", "section", "path", "classes", "address",
        "host", "standing",
    ):  # fmt: skip
        if getattr(match, name) not in ((), None, ""):
            return f"site-rule-{'class' if name == 'classes' else name}"
    return "site-rule"
