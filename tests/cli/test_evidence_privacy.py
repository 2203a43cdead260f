"""`evidence show --ip`, `hold`, `shred`: each is recorded, with who and why, and nothing personal in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.log import EvidenceLog, prepare
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.vault.openings import openings

Cli = Callable[..., Any]
READER, ACME = "203.0.113.177", "198.51.100.23"
CONFIG = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
DAY = 86_400 * 10**9


def add(log: EvidenceLog, ref: str, address: str, at: int, retention: str = "claimed") -> None:
    claim = {"token": "AcmeBot", "operator": "Acme" if address == ACME else "Other", "standing": "claimed"}
    seen: dict[str, object] = {"claim": claim, "path": "/", "method": "GET", "host": "label.example"}
    private = {"address": address.encode()}
    log.append(Draft("request", ref, at, seen, private, retention=retention))  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A configuration and a log: two clients today, and a person of a hundred days ago."""
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    log = EvidenceLog(prepare(tmp_path / "vorbehalt-evidence", "label.example/evidence"))
    now = time_ns()
    add(log, "VB-1", READER, now)
    add(log, "VB-2", ACME, now)
    add(log, "VB-3", READER, now - 100 * DAY, "person")
    log.close()
    return tmp_path / "vorbehalt-evidence"


def said(home: Path, kind: str) -> list[dict[str, Any]]:
    return [leaf["seen"] for leaf in show(home, Filters(type=kind))]  # type: ignore[misc]


def left(home: Path) -> list[str]:
    return sorted(opening.values["address"].decode() for opening in openings(home))


def test_a_look_up_of_an_address_is_recorded_before_it_is_answered(home: Path, cli: Cli) -> None:
    without = cli("evidence", "show", home, "--ip", READER)
    found = cli("evidence", "show", home, "--ip", READER, "--who", "custodian", "--why", "Art. 15, 7/26")
    mapped = cli("evidence", "show", home, "--ip", f"::ffff:{ACME}", "--who", "custodian", "--why", "x")
    wrong = cli("evidence", "show", home, "--ip", "everybody", "--why", "x")

    assert [run.code for run in (without, found, mapped, wrong)] == [2, 0, 0, 2]
    assert [line.rpartition("  ")[2] for line in found.out.splitlines()] == ["VB-1", "VB-3"]
    assert [line.rpartition("  ")[2] for line in mapped.out.splitlines()] == ["VB-2"]
    assert said(home, "vault-access") == [
        {"who": "custodian", "why": why, "scope": "address"} for why in ("Art. 15, 7/26", "x")
    ]
    assert READER.encode() not in b"".join(
        path.read_bytes() for path in (home / "log").rglob("*") if path.is_file()
    )


def test_an_address_is_forgotten_but_for_what_a_hold_needs(home: Path, cli: Cli) -> None:
    begun = cli(
        "evidence", "hold", home, "--operator", "Acme", "--matter", "acme-26", "--why", "letter of 1 Nov"
    )
    listed = cli("evidence", "hold", home, "--list", "--json")
    person = cli("evidence", "shred", home, "--ip", READER, "--why", "Art. 17", "--json")
    held = cli("evidence", "shred", home, "--ip", ACME, "--why", "Art. 17", "--json")
    again = left(home)
    ended = cli("evidence", "hold", home, "--matter", "acme-26", "--end", "--why", "settled")

    assert [run.code for run in (begun, listed, person, held, ended)] == [0] * 5, begun.err + ended.err
    assert listed.json["holds"][0]["scope"] == {"operator": "Acme"}
    assert person.json == {"scope": "address", "keys": [], "openings": 2, "held": 0}
    assert held.json == {"scope": "address", "keys": [], "openings": 1, "held": 1}
    assert (again, left(home)) == ([ACME], [])
    assert [(seen["event"], seen["matter"], seen["openings"]) for seen in said(home, "hold")] == [
        ("begin", "acme-26", 1),
        ("end", "acme-26", 1),
    ]
    assert [(seen["scope"], seen["openings"], seen["why"]) for seen in said(home, "shred")] == [
        ("address", 2, "Art. 17"),
        ("address", 1, "Art. 17"),
    ]
    assert verify(home).problems == ()


def test_what_has_had_its_time_goes_by_the_configuration(home: Path, cli: Cli) -> None:
    (home.parent / "vorbehalt.toml").write_text(CONFIG + '[evidence.retention]\nperson = "99d"\n')
    done = cli("evidence", "shred", home, "--expired", "-c", home.parent / "vorbehalt.toml")

    assert done.code == 0, done.err
    assert left(home) == [ACME, READER]
    (seen,) = said(home, "shred")
    assert [name for name in seen["keys"] if name.startswith("day")] == [
        name for name in seen["keys"] if name.endswith(".person")
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("shred",),
        ("shred", "--why", "x"),
        ("shred", "--day", "2026-13-01", "--why", "x"),
        ("shred", "--before", "2026-11-01", "--day", "2026-11-01", "--why", "x"),
        ("shred", "--ip", READER),
        ("hold", "--matter", "a"),
        ("hold", "--operator", "Acme", "--why", "x"),
        ("hold", "--operator", "Acme", "--ref", "VB-1", "--matter", "a", "--why", "x"),
    ],
)
def test_half_a_command_changes_nothing(home: Path, cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli("evidence", arguments[0], home, *arguments[1:])
    assert done.code == 2
    assert (said(home, "shred"), said(home, "hold"), len(left(home))) == ([], [], 3)


def test_a_matter_needs_a_plain_name_and_an_end_needs_a_beginning(home: Path, cli: Cli) -> None:
    odd = cli("evidence", "hold", home, "--operator", "Acme", "--matter", "../x", "--why", "x")
    none = cli("evidence", "hold", home, "--matter", "acme", "--end", "--why", "x")
    assert (odd.code != 0, none.code != 0) == (True, True)
    assert "no hold of the matter acme" in none.err
    assert said(home, "hold") == []


def test_a_copy_made_while_running_verifies_and_its_openings_open(
    home: Path, tmp_path: Path, cli: Cli
) -> None:
    """The drill of docs/privacy.md: log and objects by one way, vault and keys by another, put together."""
    log = EvidenceLog(prepare(home, "label.example/evidence"))
    log.start()
    add(log, "VB-9", ACME, time_ns())
    restored, apart = tmp_path / "restored", tmp_path / "apart"
    problems: tuple[str, ...] = ("not tried",)
    for _ in range(5):
        shutil.rmtree(restored, ignore_errors=True)
        shutil.rmtree(apart, ignore_errors=True)
        shutil.copytree(home, restored, ignore=shutil.ignore_patterns("keys", "vault", "spool", "run", ".*"))
        for name in ("keys", "vault"):
            shutil.copytree(home / name, apart / name)
        problems = verify(restored).problems
        if not problems:
            break
    log.close()
    assert problems == ()

    for name in ("keys", "vault"):
        shutil.copytree(apart / name, restored / name)
    for name in ("spool", "run"):
        (restored / name).mkdir()
    (restored / "keys" / "log.key").unlink()  # a copy that signs would be a second log of the same name
    shown = cli("evidence", "show", restored, "--ip", READER, "--why", "restore drill")

    assert shown.code == 0, shown.err
    assert [line.rpartition("  ")[2] for line in shown.out.splitlines()] == ["VB-1", "VB-3"]
    assert verify(restored).problems == ()


def test_a_directory_near_its_limit_is_warned_of(home: Path, cli: Cli) -> None:
    config = home.parent / "vorbehalt.toml"
    config.write_text(CONFIG + '[evidence]\nmax_bytes = "1MB"\n')
    before = cli("check", "-c", config, "--json")
    (home / "objects" / "padding").write_bytes(bytes(950_000))
    after = cli("check", "-c", config, "--json")
    warned = [[one["id"] for one in run.json["warnings"]].count("V127") for run in (before, after)]
    assert warned == [0, 1]


def test_a_correction_points_back_and_changes_nothing(home: Path, cli: Cli) -> None:
    index = next(int(str(leaf["index"])) for leaf in show(home, Filters(ref="VB-2")))
    before = verify(home).size
    done = cli("evidence", "correct", home, index, "--who", "counsel", "--why", "the host was test.example")
    nothing = cli("evidence", "correct", home, 10_000, "--why", "x")
    shown = cli("evidence", "show", home, "--ref", "VB-2")
    as_json = cli("evidence", "show", home, "--type", "request", "--json")

    assert (done.code, nothing.code != 0) == (0, True), done.err
    assert said(home, "correction") == [
        {
            "of": index, "writer": said_of(home, index)["w"], "number": said_of(home, index)["s"],
            "type": "request", "who": "counsel", "says": "the host was test.example",
        }
    ]  # fmt: skip
    request, correction = shown.out.splitlines()
    assert request.endswith("the host was test.example")
    assert f"of {index}" in correction
    assert [line.count("the host was test.example") for line in as_json.out.splitlines()] == [0, 1, 0]
    assert verify(home).problems == ()
    assert verify(home).size > before


def said_of(home: Path, index: int) -> dict[str, Any]:
    return dict(next(show(home, Filters(start=index))))
