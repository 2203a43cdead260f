"""Caches between the site and its readers: what they still serve, and refusals that they keep."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256

from vorbehalt.probe import readings
from vorbehalt.probe.checks.headers import NAMES, present
from vorbehalt.probe.checks.site import REFUSALS
from vorbehalt.probe.exchange import DOCUMENTS, Exchange
from vorbehalt.probe.finding import Ledger, Severity, listed
from vorbehalt.probe.gather import Gathered
from vorbehalt.probe.knowledge import Knowledge
from vorbehalt.reservation.vocabulary import Vocabulary

_STATES = (b"cf-cache-status", b"x-cache", b"x-cache-status", b"x-proxy-cache", b"x-varnish-cache")


def check(gathered: Gathered, knowledge: Knowledge, ledger: Ledger) -> frozenset[str]:
    """Compare plain answers with those asked past the cache; returns the paths whose answer is stale."""
    plain, words = gathered.plain(), gathered.vocabulary
    found: dict[tuple[str, str, str, str, Severity], list[str]] = defaultdict(list)
    for one in gathered.on_site():
        known = plain.get(one.path)
        if known is None or one.status != known.status or one.variant not in ("fresh", "again"):
            continue
        old, new = (known, one) if one.variant == "fresh" else (one, known)
        if not _is_older(gathered, old, new):
            ledger.passes()
            continue
        lost = [name.decode() for name in NAMES if name in present(new, words) - present(old, words)]
        changed = [text for text in _changes(old, new, words) if text.partition(":")[0] not in lost]
        where = from_cache(old) or "what answers the plain address"
        older = _is_document(old) and old.body != new.body
        parts = ["without " + ", ".join(lost) if lost else "", *changed]
        parts.append(f"an older document{_version(old, knowledge)}" if older else "")
        what = " and ".join(filter(None, parts))
        is_sure = bool(lost or changed or from_cache(old)) or gathered.expected is not None
        severity: Severity = "error" if is_sure else "warning"
        fresh = (
            "; ".join(_shown(new, words))
            if lost or changed
            else f"SHA-256 {sha256(new.body).hexdigest()[:16]}..."
        )
        found[fresh, where, what, f"{where}: {what}", severity].append(one.path)
    for (fresh, where, what, observed, severity), paths in found.items():
        ledger.add(
            "cache-stale", severity, paths, fresh, observed,
            f"{listed(paths)}: {where} serves {what}; asked past a cache, the answer is"
            " another: purge it",
        )  # fmt: skip
    _refusals(gathered, ledger)
    return frozenset(path for paths in found.values() for path in paths)


def from_cache(one: Exchange) -> str:
    """Say by which headers an answer comes from a cache; empty if none says so."""
    age = one.text(b"age").partition(",")[0].strip()
    signs = []
    if age.isdecimal() and int(age[:12]) > 0:
        signs.append(f"{int(age[:12]):,} s old")
    for name in _STATES:
        value = one.text(name)
        if any(word in value.lower() for word in ("hit", "stale", "updating", "revalidated")):
            signs.append(f"{name.decode()}: {value[:60]}")
    return f"a cache ({', '.join(signs)})" if signs else ""


def _is_older(gathered: Gathered, old: Exchange, new: Exchange) -> bool:
    words = gathered.vocabulary
    if _shown(old, words) == _shown(new, words):
        if not _is_document(old) or old.body == new.body:
            return False
        document = gathered.expected.document(old.path) if gathered.expected else None
        return document is None or old.body != document.body
    if gathered.expected is None:
        return True
    wanted = {name for name, _ in gathered.expected.headers(old)}
    right = {name: value for name, value in gathered.expected.headers(old) if name in NAMES[:3]}
    return not (wanted <= present(old, words) and all(old.values(name) == (right[name],) for name in right))


def _is_document(one: Exchange) -> bool:
    """True where the bytes count: the page for people may differ from one moment to the next."""
    return one.kind in DOCUMENTS and one.kind != "terms"


def _shown(one: Exchange, words: Vocabulary) -> list[str]:
    """The reservation of a reply, line by line."""
    lines = [
        f"{name.decode()}: {value.decode('latin-1')}" for name in NAMES[:3] for value in one.values(name)
    ]
    if readings.noai(one.text(b"x-robots-tag"), words):
        lines.append("x-robots-tag: noai")
    told = readings.licences(one.text(b"link"))
    return [*lines, *(f"link: {target}" for target, type_ in told if type_ == "application/rsl+xml")]


def _changes(old: Exchange, new: Exchange, words: Vocabulary) -> list[str]:
    return [line for line in _shown(old, words) if line not in _shown(new, words)]


def _version(one: Exchange, knowledge: Knowledge) -> str:
    return " that was in force before" if knowledge.was_served(sha256(one.body).hexdigest()) else ""


def _refusals(gathered: Gathered, ledger: Ledger) -> None:
    for one in gathered.on_site():
        if one.status in REFUSALS:
            cache = from_cache(one)
            ledger.check(
                not cache, "refusal-cached", "error", [one.path], "refusals with Cache-Control: no-store",
                f"{one.status} from {cache}",
                f"{one.path}: the refusal ({one.status}) comes from {cache}: others get it too",
            )  # fmt: skip
