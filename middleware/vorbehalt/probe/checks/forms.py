"""The form of signal documents: would a reader of that kind understand them."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from vorbehalt.probe import readings
from vorbehalt.probe.checks.documents import is_challenge
from vorbehalt.probe.finding import Ledger
from vorbehalt.probe.gather import Gathered
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.robots.file import MAX_BYTES

_OWN_DIGEST = re.compile(rb"# sha256 of this file without this line: ([0-9a-f]{64})\r?\n")
_MANAGED = re.compile(rb"^#.*\bmanaged content\b", re.I | re.M)
"""The comment around the block that Cloudflare prepends (seen in served files, 2025 and 2026)."""


def check(gathered: Gathered, ledger: Ledger) -> None:
    """Look into every document that was read."""
    for kind, seen in gathered.documents.items():
        if not seen.is_read or is_challenge(seen.last):
            continue
        if kind == "robots":
            _robots(seen.path, seen.last.body, bool(seen.last.truncated), ledger)
        elif kind == "tdmrep":
            _tdmrep(seen.path, seen.last.body, ledger)
        elif kind == "policy" and seen.last.media_type != "text/html":
            flaws = readings.policy_flaws(seen.last.body)
            ledger.check(
                not flaws, "policy-form", "error", [seen.path], "an ODRL offer in the TDMRep profile",
                "; ".join(flaws), f"the TDM policy cannot be read by a machine: {'; '.join(flaws)}",
            )  # fmt: skip
        elif kind == "rsl":
            try:
                readings.rsl_rules(seen.last.body, gathered.vocabulary)
                ledger.passes()
            except readings.RslError as error:
                ledger.add(
                    "rsl-form", "error", [seen.path], f"rsl in the namespace {readings.NAMESPACE}",
                    str(error), f"the licence document is no RSL: {error}",
                )  # fmt: skip


def _robots(path: str, body: bytes, was_cut: bool, ledger: Ledger) -> None:
    is_markup = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    ledger.check(
        not is_markup, "robots-form", "error", [path], "rules in plain text", "a markup document",
        "robots.txt is an HTML page: no crawler finds a rule in it",
    )  # fmt: skip
    ledger.check(
        len(body) <= MAX_BYTES and not was_cut, "robots-form", "error", [path], f"at most {MAX_BYTES} bytes",
        f"{'more than ' if was_cut else ''}{len(body)} bytes",
        f"robots.txt is larger than {MAX_BYTES} bytes: readers stop there and miss the rules after it",
    )  # fmt: skip
    managed = _MANAGED.search(body)
    ledger.check(
        managed is None, "robots-managed", "warning", [path], "the site's own file",
        managed[0].decode("utf-8", "replace") if managed else "",
        "a CDN adds a block of its own to robots.txt, with signals and groups that you did not write:"
        " compare it with your terms, or switch it off there",
    )  # fmt: skip
    if own := _OWN_DIGEST.search(body):
        rest = body[: own.start()] + body[own.end() :]
        ledger.check(
            sha256(rest).hexdigest().encode() == own[1], "robots-altered", "error", [path],
            f"a file of SHA-256 {own[1].decode()}", sha256(rest).hexdigest(),
            "robots.txt states its own digest, and that does not fit: something changed it on its way",
        )  # fmt: skip


def _tdmrep(path: str, body: bytes, ledger: Ledger) -> None:
    flaws = tdmrep_flaws(body)
    ledger.check(
        not flaws, "tdmrep-form", "error", [path], "a JSON array of rules", "; ".join(flaws),
        f"tdmrep.json says nothing where it is malformed: {'; '.join(flaws)}",
    )  # fmt: skip
    patterns = [rule.pattern for rule in readings.tdmrep_rules(body)]
    shadowed = [
        (general, later)
        for at, general in enumerate(patterns[:200])
        for later in patterns[at + 1 : 200]
        if later.priority > general.priority and _covers(general, later)
    ]
    first = f"{shadowed[0][0].text!r} before {shadowed[0][1].text!r}" if shadowed else ""
    ledger.check(
        not shadowed, "tdmrep-order", "error", [path], "the most specific rule first", first,
        f"tdmrep.json has a general rule before a specific one ({first}): readers that take the first match"
        " never come to the second",
    )  # fmt: skip


def tdmrep_flaws(body: bytes) -> list[str]:
    """Say what is wrong with a tdmrep.json, at most five sentences."""
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ["it is no JSON"]
    if not isinstance(found, list):
        what = "an object" if isinstance(found, dict) else "no array"
        return [f"it is {what}, even one rule stands in an array"]
    flaws = [] if found else ["it has no rule"]
    for number, entry in enumerate(found, 1):
        if not isinstance(entry, dict):
            flaws.append(f"rule {number} is no object")
            continue
        if not isinstance(entry.get("location"), str):
            flaws.append(f"rule {number} has no location")
        value = entry.get("tdm-reservation")
        if type(value) is not int or value not in (0, 1):
            shown = json.dumps(value)[:40]
            flaws.append(f"rule {number} says tdm-reservation {shown} instead of the number 1 or 0")
        policy = entry.get("tdm-policy")
        if policy is not None and not (
            isinstance(policy, str) and policy.startswith(("https://", "http://"))
        ):
            flaws.append(f"rule {number} has a tdm-policy that is no absolute URL")
    return flaws[:5]


def _covers(general: PathPattern, later: PathPattern) -> bool:
    """True if whatever the later pattern matches, the general one matches before."""
    return general.is_plain and later.literals[0].startswith(general.literals[0])
