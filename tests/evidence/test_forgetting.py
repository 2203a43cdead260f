"""One address and a whole day are forgotten: openings gone, every proof as before, held matters survive."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from support import default_periods
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.directory import EvidenceDirectory
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading import query
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault import holds
from vorbehalt.evidence.vault.holds import Hold
from vorbehalt.evidence.vault.openings import openings
from vorbehalt.evidence.vault.retention import parse_period
from vorbehalt.evidence.vault.shred import shred_address, shred_days, shred_expired
from vorbehalt.evidence.vault.vault import Keys

DAY = 86_400 * 10**9
MONDAY = 1_795_413_803_799_141_015  # 2026-11-23
TODAY = date(2026, 11, 26)
READER, ACME, OTHER = "203.0.113.177", "198.51.100.23", "2001:db8::7"


def draft(number: int, address: str, at: int, operator: str, retention: str = "claimed") -> Draft:
    return Draft(
        type="request",
        ref=f"VB-{number}",
        at=at,
        seen={"host": "example.org", "path": "/", "claim": {"operator": operator}},
        private={"address": address.encode(), "chain": f"10.0.0.1, {address}".encode()},
        client=address,
        retention=retention,  # type: ignore[arg-type]
    )


@pytest.fixture
def home(directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog]) -> Path:
    """Three days of three clients; Acme comes every day, and the reader did, too."""
    log = make_log()
    for number in range(3):
        for who, (address, operator) in enumerate(((READER, ""), (ACME, "Acme"), (OTHER, "Other"))):
            log.append(draft(3 * number + who, address, MONDAY + number * DAY, operator))
    log.append(
        Draft(
            "attribution", "", MONDAY + 1, {"method": "rdns", "outcome": "closed"},
            {"address": ACME.encode(), "names": b"crawl-198-51-100-23.acme.example"}, retention="operator",
        )
    )  # fmt: skip
    log.close()
    return directory.path


def opened(home: Path) -> list[tuple[str, str, str]]:
    """Return (day, address, matter) of all that can still be opened."""
    return sorted(
        (opening.row.key[:10], opening.values["address"].decode(), opening.matter)
        for opening in openings(home)
    )


def standalone(home: Path) -> int:
    done = subprocess.run([sys.executable, home / "verify.py", home], capture_output=True, check=False)
    return done.returncode


def test_an_address_and_a_day_are_forgotten_and_nothing_that_proves_is_touched(home: Path) -> None:
    root = verify(home).root
    proofs = {index: query.prove(home, index) for index in range(verify(home).size)}
    before = {path: path.read_bytes() for path in (home / "log").rglob("*") if path.is_file()}
    holds.begin(home, Hold("acme-2026", "Acme", "", MONDAY))

    by_address = shred_address(home, READER, pseudonyms=True)
    by_day = shred_days(home, TODAY, day=date(2026, 11, 23))

    assert (by_address.openings, by_address.held, by_address.keys) == (3, 0, ("month-2026-11",))
    assert by_day.keys == ("day-2026-11-23.claimed", "day-2026-11-23.operator")
    assert opened(home) == [
        ("2026-11-23", ACME, "acme-2026"),
        ("2026-11-23", ACME, "acme-2026"),
        ("2026-11-24", ACME, ""),
        ("2026-11-24", ACME, "acme-2026"),
        ("2026-11-24", OTHER, ""),
        ("2026-11-25", ACME, ""),
        ("2026-11-25", ACME, "acme-2026"),
        ("2026-11-25", OTHER, ""),
    ]
    report = verify(home)
    assert (report.problems, report.root) == ((), root)
    assert {index: query.prove(home, index) for index in proofs} == proofs
    assert {path: path.read_bytes() for path in (home / "log").rglob("*") if path.is_file()} == before
    assert standalone(home) == 0


def tries(home: Path, leaves: list[dict[str, object]], address: str) -> bool:
    """What a brute force does with one address: every commitment and pseudonym, under every key left."""
    keys = [Keys(home).get(name) for name in Keys(home).names() if not name.startswith("log")]
    text = address.encode()
    guesses = {hashlib.sha256(b"vb-ipc-v1\0" + text).hexdigest(), hashlib.sha256(text).hexdigest()}
    guesses |= {hashlib.sha256(b"vb-ipc-v1\0" + bytes(32) + text).hexdigest()}
    guesses |= {hmac.digest(key, text, "sha256")[:16].hex() for key in keys if key is not None}
    return any(guess in json.dumps(leaf) for leaf in leaves for guess in guesses)


def test_brute_force_over_the_neighbourhood_finds_nobody_once_the_keys_are_gone(home: Path) -> None:
    leaves = list(query.show(home))
    network = READER.rpartition(".")[0]
    assert tries(home, leaves, READER), "while the month's key lives, the pseudonym can be tried"

    shred_address(home, READER, pseudonyms=True)

    assert not [number for number in range(256) if tries(home, leaves, f"{network}.{number}")]


def test_what_was_forgotten_is_in_no_file_of_the_vault(home: Path) -> None:
    before = sum(path.read_bytes().count(b"claimed") for path in (home / "vault").rglob("*.rows"))
    shred_address(home, READER)
    after = sum(path.read_bytes().count(b"claimed") for path in (home / "vault").rglob("*.rows"))

    assert (before, after) == (9, 6)


def test_a_chain_that_names_an_address_is_forgotten_with_it(
    directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog]
) -> None:
    log = make_log()
    record = draft(1, OTHER, MONDAY, "")
    record.private["chain"] = f"[2001:db8::1]:80, {READER}:4711, ::ffff:192.0.2.1".encode()
    log.append(record)
    log.close()

    assert shred_address(directory.path, "203.0.113.17").openings == 0
    assert [opening.names("192.0.2.1") for opening in openings(directory.path)] == [True]
    assert [opening.names("2001:db8::1") for opening in openings(directory.path)] == [True]
    assert shred_address(directory.path, READER).openings == 1


def test_the_openings_of_today_are_overwritten_and_their_writer_goes_on(
    directory: EvidenceDirectory, make_log: Callable[..., EvidenceLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vorbehalt.evidence.vault.vault.LOOK_SECONDS", 0.0)
    log = make_log()
    log.start()
    receipt = log.append(draft(1, READER, MONDAY, ""))
    assert asyncio.run(receipt.durable(10.0))
    done = shred_days(directory.path, date(2026, 11, 23), before=date(2026, 11, 24), pseudonyms=True)
    log.append(draft(2, OTHER, MONDAY, ""))
    log.close()

    assert (done.keys, done.openings) == (("month-2026-11",), 1)
    assert opened(directory.path) == [("2026-11-23", OTHER, "")]
    assert verify(directory.path).problems == ()
    tags = [leaf["private"]["address"]["p"] for leaf in query.show(directory.path, query.Filters("request"))]  # type: ignore[index]
    key = Keys(directory.path).get("month-2026-11")
    assert key is not None
    assert tags[1] == hmac.digest(key, OTHER.encode(), "sha256")[:16].hex()
    assert hmac.digest(key, READER.encode(), "sha256")[:16].hex() != tags[0], "the destroyed key lived on"


def test_a_hold_covers_what_comes_later_and_ends_with_its_key(
    home: Path, make_log: Callable[..., EvidenceLog]
) -> None:
    assert holds.begin(home, Hold("acme", "Acme", "", MONDAY)) == 4
    log = make_log()
    log.append(draft(20, ACME, MONDAY + 3 * DAY, "Acme"))
    log.close()
    with pytest.raises(EvidenceError, match="already"):
        holds.begin(home, Hold("acme", "", "VB-1", MONDAY))

    shred_days(home, date(2027, 1, 1), before=date(2027, 1, 1))

    assert opened(home) == [(f"2026-11-{day}", ACME, "acme") for day in (23, 23, 24, 25, 26)]
    assert verify(home).problems == ()
    assert holds.end(home, "acme") == (Hold("acme", "Acme", "", MONDAY), 5)
    assert opened(home) == []
    assert "hold-acme" not in Keys(home).names()
    assert verify(home).problems == ()


def test_a_hold_of_one_reference_holds_its_opening_and_what_was_looked_up_of_its_client(home: Path) -> None:
    assert holds.begin(home, Hold("one", "", "VB-4", MONDAY)) == 2
    shred_days(home, date(2027, 1, 1), before=date(2027, 1, 1))
    assert opened(home) == [("2026-11-23", ACME, "one"), ("2026-11-24", ACME, "one")]


def test_many_holds_at_once_hold_what_each_would_alone(home: Path, tmp_path: Path) -> None:
    many = [
        Hold("acme", "Acme", "", MONDAY),
        Hold("acme-too", "Acme", "", MONDAY),
        Hold("other", "Other", "", MONDAY),
        Hold("nobody", 'No "body"', "", MONDAY),
        Hold("one", "", "VB-4", MONDAY),
    ]
    alone = tmp_path / "alone"
    shutil.copytree(home, alone)
    counts = {hold.matter: holds.begin(alone, hold) for hold in many}
    assert holds.begin_all(home, many) == counts == {
        "acme": 4, "acme-too": 4, "other": 3, "nobody": 0, "one": 2,
    }  # fmt: skip
    assert opened(home) == opened(alone)
    assert holds.secure_all(home) == 0
    with pytest.raises(EvidenceError, match="there is a hold of the matter twice already"):
        holds.begin_all(home, [Hold("twice", "Acme", "", MONDAY), Hold("twice", "Other", "", MONDAY)])
    assert "twice" not in {hold.matter for hold in holds.holds(home)}


def test_a_changed_held_row_fails_verification(home: Path) -> None:
    holds.begin(home, Hold("acme", "Acme", "", MONDAY))
    (path,) = (home / "vault" / "held" / "acme").glob("*.rows")
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    assert [text for text in verify(home).problems if "held/acme" in text]


def test_nothing_goes_while_a_hold_cannot_be_read(home: Path) -> None:
    holds.begin(home, Hold("acme", "Acme", "", MONDAY))
    (home / "vault" / "held" / "acme" / "hold.json").write_text("{")
    count = len(opened(home))
    with pytest.raises(EvidenceError, match="cannot be read"):
        shred_days(home, date(2027, 1, 1), before=date(2027, 1, 1))
    assert len(opened(home)) == count


@pytest.mark.parametrize(
    ("today", "left"),
    [
        (date(2027, 2, 21), ["23.claimed", "23.operator", "24.claimed", "25.claimed"]),
        (date(2027, 2, 22), ["23.operator", "24.claimed", "25.claimed"]),
        (date(2029, 12, 31), ["23.operator"]),
        (date(2030, 1, 1), []),
    ],
)
def test_each_class_goes_after_its_time_and_not_a_day_before(
    home: Path, today: date, left: list[str]
) -> None:
    shred_expired(home, default_periods(), today)
    assert [name for name in Keys(home).names() if name.startswith("day")] == [
        f"day-2026-11-{name}" for name in left
    ]
    assert verify(home).problems == ()


@pytest.mark.parametrize(("today", "there"), [(date(2026, 12, 7), True), (date(2026, 12, 8), False)])
def test_a_months_key_goes_a_week_after_its_end(home: Path, today: date, there: bool) -> None:
    shred_expired(home, default_periods(), today)
    assert ("month-2026-11" in Keys(home).names()) is there


@pytest.mark.parametrize("text", ["", "30", "d", "0d", "-1d", "30h", "1.5y", "100000d", "3Y"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        parse_period(text)


def test_the_longest_periods_end_with_the_calendar() -> None:
    assert parse_period("99999y").last_day(TODAY) == date(9999, 12, 31)
    assert parse_period("99999w").last_day(date(9000, 1, 1)) == date.max
    assert parse_period("2w").last_day(TODAY) == date(2026, 12, 10)
