"""Evidence logs for dossiers: large ones quickly, small ones with all that a dossier tells of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from tlog_support import Log, put
from vorbehalt.evidence.history.manifest import Manifest, Part, canonical, header_lines
from vorbehalt.reservation.headers import headers_digest

OPERATOR = "OpenAI"
DAY = 86_400 * 10**9
AT = 20_600 * DAY
"""2026-05-27, the first day of these logs."""
HEADERS = ((b"tdm-reservation", b"1"), (b"content-usage", b"train-ai=n, search=y"))
CARRIED = headers_digest(HEADERS)
SECRET = "of-somebody-else"
"""Stands in every record of other clients, and nowhere else."""
_BATCH = 65_536

CONFIG = """\
format = 1
[site]
origin = "https://label.example"
hosts = ["label.example"]
operator = "Label"
contact = "mailto:rights@label.example"
languages = ["en"]
robots = "app"
[works]
catalogue = "works.csv"
[evidence]
directory = "evidence"
origin = "label.example/evidence/test"
[state]
directory = "state"
"""
CATALOGUE = """\
path,id,title,contributors,right,basis,territory,us_registration,us_registration_date
/songs/1,own:song-1,One,Ada,recording,owner,,SR0000000001,2020-01-01
/songs/2,own:song-2,=Two,Ben,lyrics,mandate,DE,,
/songs/3,own:song-3,Three,,recording,exclusive,US,,
"""


def site(folder: Path) -> Path:
    """Write a configuration with a catalogue beside `evidence`; returns its file."""
    put(folder / "works.csv", CATALOGUE.encode())
    put(folder / "vorbehalt.toml", CONFIG.encode())
    return folder / "vorbehalt.toml"


class Records:
    """Leaves of one writer as the middleware writes them, each with its bytes."""

    def __init__(self, log: Log, name: str = "9f86d081884c7d65-1a2b3c4d-1") -> None:
        self.log, self.name, self.number, self.previous = log, name, 0, ""
        self.signals = ""

    def leaf(self, kind: str, at: int, seen: dict[str, Any], ref: str = "", **more: Any) -> bytes:
        """Return one leaf; times are nanoseconds after the first day."""
        text = json.dumps(
            {"v": 1, "type": kind, "w": self.name, "s": self.number, "p": self.previous,
             "at": str(AT + at), "ref": ref, "seen": seen, **more},
            separators=(",", ":"),
        )  # fmt: skip
        return self.chained(text.encode("ascii"))

    def chained(self, payload: bytes) -> bytes:
        self.number += 1
        self.previous = sha256(payload).hexdigest()
        return payload

    def policy(self, at: int = 0) -> bytes:
        """Return a set of signals that comes into force, with its objects in the log's directory."""
        robots = self.log.put_object(b"User-agent: GPTBot\nDisallow: /\n")
        headers = self.log.put_object(header_lines(HEADERS))
        terms = self.log.put_object(canonical({"format": 1, "terms": {"operator": "Label"}}))
        self.signals = sha256(b"signals").hexdigest()
        manifest = Manifest(
            (), "https://label.example", self.signals, terms,
            {"/robots.txt": Part(robots, "text/plain")}, {"": headers}, reserved={"": ("training",)},
        )  # fmt: skip
        named = [self.log.put_object(manifest.encode()), terms, robots, headers]
        seen = {"manifest": named[0], "terms": terms, "cause": "start", "pending": [], "config": "c" * 64,
                "signals": self.signals, "versions": {"rules": "2026.1"}}  # fmt: skip
        return self.leaf("policy-active", at, seen, objects=named)

    def request(self, at: int, ref: str, **changed: Any) -> bytes:
        """Return a request; `changed` are fields of what was seen, `claim` and `decision` part by part."""
        claim = {"token": "GPTBot", "operator": OPERATOR, "purpose": "training", "basis": "operator",
                 "standing": "verified", "how": "the address is in the list openai-gptbot", "data": [],
                 "ai": True, **changed.pop("claim", {})}  # fmt: skip
        decision = {"action": "allow", "would": "allow", "enforced": True, "rule": "training",
                    "reasons": ["training-reserved"], "status": None,
                    **changed.pop("decision", {})}  # fmt: skip
        pseudonym = changed.pop("pseudonym", "a" * 32)
        seen = {
            "host": "label.example", "method": "GET", "path": "/songs/1", "vantage": "app",
            "source": "direct", "headers": [["user-agent", "Mozilla/5.0 (compatible; GPTBot/1.2)"]],
            "claim": claim, "decision": decision, "findings": [],
            "reservation": {"section": "", "headers": CARRIED, "signals": self.signals},
            "work": "own:song-1", "permission": "none",
            "told": {"since": "0", "crawler": {"/robots.txt": "none"}, "operator": {}},
            "robots": {"version": "1" * 64, "allowed": False, "line": "Disallow: /", "number": 2,
                       "agent": "GPTBot"},
            **changed,
        }  # fmt: skip
        private = {"address": {"c": "c" * 64, "p": pseudonym, "month": "2026-05"}}
        return self.leaf("request", at, seen, ref, private=private, vault="2026-05-27.operator")

    def completion(self, at: int, ref: str, **changed: Any) -> bytes:
        claim = {"token": "GPTBot", "operator": OPERATOR, "standing": "verified"} | changed.pop("claim", {})
        seen = {"of": ref, "host": "label.example", "status": 200, "bytes": 1_000, "whole": True,
                "delivered": True, "reservation": {"headers": CARRIED}, "vantage": "app", "claim": claim,
                **changed}  # fmt: skip
        return self.leaf("completion", at, seen, ref)


def large_log(directory: Path, total: int, own: int, works: int = 2_000) -> Log:
    """Write a log of `total` records, every so many of them the operator's, the rest of three others.

    One pass of formatting; a million take about 20 s.
    """
    log = Log(directory)
    records = Records(log)
    entries: list[bytes] = [records.policy()]
    wrote = 1
    for payload in _traffic(records, total - 1, own, works):
        entries.append(payload)
        if len(entries) == _BATCH:
            wrote += len(entries)
            log.seal(entries, keep_partials=False)
            entries = []
    log.seal(entries, keep_partials=False)
    assert log.size == total
    return log


def _traffic(records: Records, count: int, own: int, works: int) -> Iterator[bytes]:
    """Yield requests, each followed by its completion; every seventh time two refusals instead."""
    names = [OPERATOR, "Anthropic", "Perplexity", "ByteDance"]
    pairs = {name: _templates(records, name) for name in names}
    for number in range(count):
        visit = number // 2
        is_own = (visit + 1) * own // count > visit * own // count
        request, completion, refusal = pairs[OPERATOR if is_own else names[1 + visit % 3]]
        work = visit // 20 % works
        template = refusal if visit % 7 == 0 else completion if number % 2 else request
        yield records.chained(template % {
            b"s": b"%d" % records.number, b"p": records.previous.encode(),
            b"at": b"%d" % (AT + visit * 10**10),
            b"ref": b"VB-%012d" % (number if visit % 7 == 0 else 10**11 + visit),
            b"work": b"own:work-%d" % work, b"path": b"/work/%d" % work, b"tag": b"%032x" % (visit % 50),
        })  # fmt: skip


def _templates(records: Records, operator: str) -> tuple[bytes, bytes, bytes]:
    """Return a request, a completion and a refusal with places for what differs."""
    is_other = operator != OPERATOR
    token = f"{operator}Bot" if is_other else "GPTBot"
    headers = [["user-agent", f"Mozilla/5.0 (compatible; {token}/1.2)"]]
    headers += [["x-mark", SECRET]] if is_other else []
    more: dict[str, Any] = {"work": "@work", "path": "@path", "pseudonym": "@tag", "headers": headers}
    named = {"operator": operator, "token": token}
    mark = {"mark": SECRET} if is_other else {}
    kept = records.number, records.previous

    def template(make: Callable[..., bytes], **changed: Any) -> bytes:
        records.number, records.previous = 7_777_777, "p" * 64
        leaf = make(7, "@ref", claim=dict(named), **changed)
        records.number, records.previous = kept
        leaf = leaf.replace(b"%", b"%%").replace(b"7777777", b"%(s)b").replace(b"p" * 64, b"%(p)b")
        leaf = leaf.replace(b"%d" % (AT + 7), b"%(at)b")
        for name in (b"ref", b"work", b"path", b"tag"):
            leaf = leaf.replace(b"@" + name, b"%(" + name + b")b")
        return leaf

    return (
        template(records.request, **more),
        template(records.completion, **mark),
        template(records.request, decision={"action": "block", "status": 403}, **more),
    )


def copied(directory: Path, target: Path) -> Path:
    """Copy an evidence directory to be changed."""
    shutil.copytree(directory, target)
    return target
