"""What all letters of one run rest on, read once: audit, history of the reservation, traffic, register."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.claims.ledger import Query
from vorbehalt.claims.notice.addressees import Addressee
from vorbehalt.claims.notice.annexes import FindWork
from vorbehalt.claims.notice.counsel import is_person
from vorbehalt.claims.notice.in_force import InForce, in_force
from vorbehalt.claims.notice.kinds import RESTS_ON, Kind
from vorbehalt.claims.notice.order import Log, Material, Order
from vorbehalt.claims.notice.refusals import letter_to_remind_of
from vorbehalt.claims.notice.sender import Sender, sender_problems
from vorbehalt.claims.notice.traffic import Traffic, read_traffic
from vorbehalt.claims.register import read_register
from vorbehalt.errors import Problem, TamperError
from vorbehalt.evidence.auditor.audit import Report, verify
from vorbehalt.evidence.history.history import read_history
from vorbehalt.evidence.tlog.merkle import range_root
from vorbehalt.evidence.tlog.tiles import tile_subtree
from vorbehalt.settings import Settings
from vorbehalt.settings.model import HostSettings

Progress = Callable[[str, int, int], None]
_MOST = 5


@dataclass(slots=True)
class Gathered:
    """The material, None if it cannot be used, and what stops every letter of the run."""

    material: Material | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def gather(
    settings: Settings, directory: Path, order: Order, sender: Sender, rows: Sequence[Addressee],
    find_work: FindWork, *, at: int, progress: Progress | None = None,
) -> Gathered:  # fmt: skip
    """Read it all; `at` is now (ns UTC). Raises EvidenceError if the log cannot be read."""
    found = Gathered()
    found.problems += sender_problems(settings, sender, offers_licence=order.offers_licence)
    if not order.is_draft and not is_person(order.approved_by):
        found.problems.append(
            _stop(
                settings, "--approved-by", "V135", "no person approved the letter: give first and last name"
            )
        )
    report = verify(directory, progress=_told(progress, "verified"))
    if not report.ok:
        found.problems += _does_not_hold(settings, report)
        return found
    if report.unsealed:
        found.notes.append(
            f"{report.unsealed} records are not sealed yet; the letters rest on those that are"
        )
    try:
        places = list(_places(settings, directory, at, found.problems))
    except TamperError as error:
        found.problems.append(_stop(settings, "evidence", "V134", f"the history does not hold: {error}"))
        return found
    size = report.size if order.size is None else order.size
    if size > report.size:
        message = f"the log holds {report.size} records, not {size}"
        found.problems.append(_stop(settings, "--size", "V134", message))
        return found
    parties = [party for party in settings.registry.parties.values() if party.is_operator]
    names = {text.lower(): party.name for party in parties for text in (party.name, party.id)}
    register = read_register(directory)
    bare = Material(sender, tuple(places), names, _log(directory, size, report), find_work, register=register)
    queries = dict(_queries(settings, order, rows, bare))
    found.notes += _permissions(settings, rows, bare, at)
    traffic: dict[str, Traffic] = {}
    if queries:
        traffic = read_traffic(directory, queries, size, _told(progress, "counted"))
    found.material = Material(
        sender, bare.reservations, names, bare.log, find_work, traffic, register
    )  # fmt: skip
    return found


def _stop(settings: Settings, key: str, id: str, message: str) -> Problem:
    return Problem(settings.source, 0, key, id, message)


def _does_not_hold(settings: Settings, report: Report) -> Iterator[Problem]:
    for text in report.problems[:_MOST]:
        yield _stop(settings, "evidence", "V134", f"the evidence does not verify: {text}")
    if (more := len(report.problems) - _MOST) > 0:
        yield _stop(settings, "evidence", "V134", f"and {more} more: vorbehalt evidence verify names them")


def _told(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(what, done, total)


def _permissions(settings: Settings, rows: Iterable[Addressee], material: Material, at: int) -> Iterator[str]:
    """Yield who is written to although a contract permits something: the letter leaves that unaffected."""
    addressed = {material.operator(row.operator) for row in rows}
    for host in (settings.default_host, *settings.hosts):
        for permission in host.terms.permissions:
            name = material.operator(permission.licensee)
            if name in addressed and (permission.until is None or at < permission.until):
                yield f"{name} holds the permission {permission.reference} at {host.terms.origin}: read twice"


def _places(settings: Settings, directory: Path, at: int, problems: list[Problem]) -> Iterator[InForce]:
    """Yield what is in force at each host that reserves something; problems for what is not as configured."""
    history = read_history(directory)
    hosts = (settings.default_host, *settings.hosts)
    named = frozenset(name for host in settings.hosts for name in host.names)
    reserving = [host for host in hosts if host.terms.reserves_mining]
    if not reserving:
        message = "the configuration reserves nothing against mining: there is nothing to declare"
        problems.append(_stop(settings, "reservation", "V134", message))
    for host in reserving:
        place = in_force(history, host.key, named, at)
        if place is None or not _says_the_same(host, place):
            known = "knows of no reservation" if place is None else "knows another reservation"
            message = (
                f"the log {known} in force at {host.terms.origin}: run the site with this configuration first"
            )
            problems.append(_stop(settings, "reservation", "V134", message))
        else:
            yield place


def _says_the_same(host: HostSettings, place: InForce) -> bool:
    uses = host.terms.uses.reserved or tuple(use for other in host.terms.all_uses for use in other.reserved)
    return {*uses} == {*place.uses} and place.origin == host.terms.origin


def _log(directory: Path, size: int, report: Report) -> Log:
    if size == report.size:
        return Log(size, report.root, report.assurance)

    def reader(path: str) -> bytes:
        return (directory / "log" / path).read_bytes()

    root = range_root(0, size, tile_subtree(reader, report.size))
    return Log(size, base64.b64encode(root).decode("ascii"), report.assurance)


def _queries(
    settings: Settings, order: Order, rows: Iterable[Addressee], material: Material
) -> Iterator[tuple[str, Query]]:
    known = {*material.names.values()}
    for row in rows:
        name = material.operator(row.operator)
        if name not in known:
            continue
        tokens = frozenset(c.token for c in settings.registry.crawlers if c.operator == name)
        if order.kind in RESTS_ON:
            yield name, Query(name, order.since, order.until, tokens)
        elif order.kind is Kind.REMINDER:
            letter, _ = letter_to_remind_of(material.register, name, row, order)
            if letter is not None:
                yield name, Query(name, letter.sent_at(), None, tokens)
