"""A site with works, a recorded reservation and traffic of four operators, and letters about it."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from asgi_support import PageApp, ask
from vorbehalt import VorbehaltMiddleware
from vorbehalt.claims.notice.addressees import COLUMNS
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft

DAY = 86_400 * 10**9
HOSTILE_TITLE = '=cmd|stolen #read("/etc/passwd") <b>\u202eX'
CATALOGUE = f"""path,id,title,contributors,kind,right,basis,territory
/songs/1,own:1,"{HOSTILE_TITLE.replace('"', '""')}",Okka Feuersteen,song,recording,owner,DE
/songs/2,own:2,Lampen am Kai,Okka Feuersteen,song,lyrics,exclusive,world
"""
CONFIG = """format = 1
[site]
origin = "https://label.example"
operator = "Label Example GmbH"
contact = "mailto:rights@label.example"
robots = "none"
[reservation]
rightsholder = "Label Example GmbH"
{reservation}
[works]
catalogue = "works.csv"
[evidence]
directory = "evidence"
"""
TRAFFIC: Mapping[str, tuple[str, ...]] = {
    "OpenAI": ("signed", "verified", "claimed", "contradicted"),
    "Anthropic": ("consistent", "claimed", "unknown"),
    "Perplexity": ("contradicted", "contradicted"),
}
"""By operator, the standing of each of its requests. Meta has none."""


def make_site(folder: Path, reservation: str = "", catalogue: str = CATALOGUE) -> Path:
    """Write a configuration and start the site once, so that the log knows what is reserved."""
    config = folder / "vorbehalt.toml"
    config.write_text(CONFIG.format(reservation=reservation), "utf-8")
    (folder / "works.csv").write_text(catalogue, "utf-8")
    site = VorbehaltMiddleware(PageApp(), config=str(config))
    ask(site, "/robots.txt")
    site.close()
    return config


def request(
    number: int, operator: str, standing: str, at: int, *, work: str = "own:1", **more: object
) -> list[Draft]:
    """A request that was answered with 100 bytes, as two records."""
    claim = {"token": "GPTBot", "operator": operator, "standing": standing}
    ref = f"VB-{number}"
    seen = {
        "host": "label.example", "path": "/songs/1", "method": "GET", "claim": claim, "work": work,
        "decision": {"action": "allow"}, "permission": "none",
        "robots": {"allowed": False, "version": "0" * 64}, **more,
    }  # fmt: skip
    end = {"claim": claim, "of": ref, "status": 200, "bytes": 100, "whole": True, "delivered": True}
    return [Draft("request", ref, at, seen), Draft("completion", ref, at, end)]


def keep(folder: Path, drafts: Iterable[Draft]) -> None:
    """Put records into the log of a site, and seal them."""
    evidence = open_evidence(str(folder / "evidence"), "label.example/evidence", {})
    evidence.start()
    for draft in drafts:
        evidence.append(draft)
    evidence.close(30)


def visit(folder: Path, traffic: Mapping[str, tuple[str, ...]] = TRAFFIC, at: int | None = None) -> int:
    """Let operators ask; returns the time of it (default: an hour ago)."""
    at = time.time_ns() - 3600 * 10**9 if at is None else at
    number = time.time_ns()
    drafts = []
    for operator, standings in traffic.items():
        for standing in standings:
            number += 1
            drafts += request(number, operator, standing, at)
    keep(folder, drafts)
    return at


def row(**changed: str) -> dict[str, str]:
    """One addressee that may be written to."""
    usual = {
        "operator": "OpenAI", "legal_name": "Example AI Ltd", "kind": "company", "seat": "Dublin",
        "address": "1 Quay Street|Dublin 2", "country": "IE", "eu_representative": "",
        "rights_contact": "Copyright Office", "email": "copyright@ai.example", "language": "en",
        "source": "register of companies", "date": day(-10),
    }  # fmt: skip
    return {**usual, **changed}


def day(offset: int) -> str:
    """A day from today on, in UTC."""
    return (datetime.now(UTC).date() + timedelta(days=offset)).isoformat()


def write_rows(folder: Path, *rows: Mapping[str, str], delimiter: str = ",") -> Path:
    """Write the file of addressees."""
    out = StringIO()
    table = csv.DictWriter(out, COLUMNS, delimiter=delimiter)
    table.writeheader()
    table.writerows(rows)
    path = folder / "addressees.csv"
    path.write_text(out.getvalue(), "utf-8")
    return path


def only_folder(out: Path) -> Path:
    """The folder of the one letter that was written."""
    (found,) = [path for path in out.iterdir() if path.is_dir()]
    return found


BY = ("--approved-by", "Jane Roe")


TO = ("--addressees", "addressees.csv")


def write(cli: Any, *more: str, kind: str = "declaration", who: tuple[str, ...] = ("--all",)) -> Any:
    return cli("notice", "write", "--kind", kind, *who, *TO, *BY, "--out", "out", *more)


def check(cli: Any, *more: str, kind: str = "declaration", by: tuple[str, ...] = BY) -> Any:
    return cli("notice", "check", "--kind", kind, *TO, *by, *more)


def problems(result: Any) -> list[str]:
    return [line for line in (result.out + result.err).splitlines() if " V13" in line]
