"""What an operator says of its own crawling (a CSV the user gives), beside what the log counts.

Columns: `period` (YYYY-MM or YYYY), `crawler` (its product token), `requests` (a number) or `domains`
(separated by spaces or semicolons), or both. Every flaw is told with its line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from vorbehalt.claims.dossier.contents_parts import (
    Counts,
    Disclosure,
)
from vorbehalt.claims.dossier.tallying import counts_of
from vorbehalt.claims.ledger import Query
from vorbehalt.claims.ledger_rows import Line
from vorbehalt.claims.ledger_text import day
from vorbehalt.errors import ConfigError, Problem

_COLUMNS = ("period", "crawler", "requests", "domains")
_PERIOD = re.compile(r"(?:19|20)\d\d(?:-(?:0[1-9]|1[0-2]))?")
_MAX_BYTES = 16 << 20
_KEY = "disclosures"
Flaw = Callable[[int, str, str], Problem]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file."""

    line: int
    period: str
    crawler: str
    requests: int | None
    domains: tuple[str, ...]


def read_disclosures(path: Path) -> tuple[tuple[Row, ...], str]:
    """Return the rows of a file and its SHA-256 hex; raises ConfigError with all flaws and their lines."""

    def flaw(line: int, id: str, message: str) -> Problem:
        return Problem(str(path), line, _KEY, id, message)

    try:
        body = path.read_bytes()
        text = body.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no UTF-8"
        raise ConfigError([flaw(0, "V137", f"the disclosures cannot be read: {why}")]) from None
    if len(body) > _MAX_BYTES:
        raise ConfigError([flaw(0, "V137", "the disclosures are larger than 16 MiB")])
    lines = text.splitlines()
    head = lines[0] if lines else ""
    reader = csv.reader(lines, delimiter=";" if head.count(";") > head.count(",") else ",")
    names = [cell.strip().lower() for cell in next(reader, [])]
    if "period" not in names or "crawler" not in names or not {"requests", "domains"} & {*names}:
        wanted = "the first line must name period, crawler, and requests or domains"
        raise ConfigError([flaw(1, "V138", wanted)])
    rows: list[Row] = []
    problems: list[Problem] = []
    try:
        for cells in reader:
            said = dict(zip(names, (cell.strip() for cell in cells), strict=False))
            if any(said.values()):
                _row(reader.line_num, said, rows, problems, flaw)
    except csv.Error as error:
        problems.append(flaw(reader.line_num, "V138", f"this is no CSV: {error}"))
    if problems:
        raise ConfigError(problems)
    return tuple(rows), sha256(body).hexdigest()


def _row(line: int, said: Mapping[str, str], rows: list[Row], problems: list[Problem], flaw: Flaw) -> None:
    period, crawler = said.get("period", ""), said.get("crawler", "")
    number = said.get("requests", "")
    domains = tuple(name.lower() for name in re.split(r"[\s;,]+", said.get("domains", "")) if name)
    if not _PERIOD.fullmatch(period):
        problems.append(flaw(line, "V139", f"the period {period[:40]!r} is not like 2026-10 or 2026"))
    if not crawler or not crawler.isprintable():
        problems.append(flaw(line, "V139", "the row names no crawler in plain text"))
    if number and not (number.isascii() and number.isdigit() and len(number) < 16):
        problems.append(flaw(line, "V140", f"{number[:40]!r} is no number of requests: write digits only"))
    elif not number and not domains:
        problems.append(flaw(line, "V140", "the row says neither how many requests nor which domains"))
    else:
        rows.append(Row(line, period, crawler, int(number) if number else None, domains))


def compare(
    rows: Iterable[Row],
    tokens: Mapping[str, Mapping[str, list[Line]]],
    known: Iterable[str],
    hosts: Iterable[str],
    query: Query,
) -> Iterator[Disclosure]:
    """Lay each row beside the counts of its period. `tokens` are rows of days by token and group."""
    spelled = {token.lower(): token for token in known}
    names = [host.lower() for host in hosts]
    for row in rows:
        token = spelled.get(row.crawler.lower())
        groups = tokens.get(token or row.crawler, {})

        def within(group: str, groups: Mapping[str, list[Line]] = groups, row: Row = row) -> Counts:
            return counts_of(line for line in groups.get(group, ()) if day(line.day).startswith(row.period))

        yield Disclosure(
            line=row.line,
            period=row.period,
            crawler=row.crawler,
            requests=row.requests,
            domains=row.domains,
            names_us=_names(row.domains, names) if row.domains else None,
            is_known=token is not None,
            is_covered=_covers(row.period, query),
            attributed=within("attributed"),
            described=within("described"),
        )


def _names(domains: Iterable[str], hosts: Iterable[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for host in hosts for domain in domains)


def _covers(period: str, query: Query) -> bool:
    """True if the dossier's period holds every day of a row's."""
    year, _, month = period.partition("-")
    first = datetime(int(year), int(month or "1"), 1, tzinfo=UTC)
    following = (first.year + 1, 1) if not month else (first.year + first.month // 12, first.month % 12 + 1)
    end = datetime(*following, 1, tzinfo=UTC)
    return (query.since is None or query.since <= int(first.timestamp()) * 10**9) and (
        query.until is None or int(end.timestamp()) * 10**9 <= query.until
    )
