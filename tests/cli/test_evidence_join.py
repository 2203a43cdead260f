"""`evidence join`: what a proxy's access log says it sent is added once, and says where it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.evidence.log import EvidenceLog, prepare
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.receipt import Draft
from vorbehalt.imports.access_log import Sent, read_line

Cli = Callable[..., Any]
CONFIG = 'format = 1\n[site]\norigin = "https://label.example"\ncontact = "mailto:a@label.example"\n'
AT = 1_795_413_803_799_141_015
CLAIM = {"token": "GPTBot", "standing": "claimed"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A configuration, and a log with requests that a proxy named, and one that it did not."""
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    log = EvidenceLog(prepare(tmp_path / "vorbehalt-evidence", "label.example/evidence"))
    log.start()
    for number, (name, method, vantage) in enumerate(
        (
            ("a1", "GET", "forward-auth"),
            ("a2", "HEAD", "forward-auth"),
            ("a3", "GET", "forward-auth"),
            ("a4", "GET", "app"),
            ("a5", "GET", "forward-auth"),
            ("", "GET", "forward-auth"),
        )
    ):
        seen: dict[str, object] = {
            "host": "label.example",
            "method": method,
            "vantage": vantage,
            "request_id": name,
            "claim": CLAIM,
        }
        if not name:
            del seen["request_id"]
        log.append(Draft(type="request", ref=f"VB-{number + 1}", at=AT, seen=seen))
    log.close()
    return tmp_path


def line(name: str, status: int = 200, size: int = 512, completed: str = "OK") -> str:
    return json.dumps({"request_id": name, "status": status, "bytes": size, "completed": completed}) + "\n"


def joined(home: Path) -> dict[str, Any]:
    wanted = Filters(type="completion")
    return {str(record["ref"]): record["seen"] for record in show(home / "vorbehalt-evidence", wanted)}


def test_each_request_is_joined_once_and_marked(home: Path, cli: Cli) -> None:
    log = home / "access.json"
    log.write_text(
        line("a1")
        + line("a1", size=9)
        + line("a2")
        + line("a3", completed="")
        + line("a4")
        + line("VB-1")
        + line("zz")
        + line("")
        + "nonsense\n\n"
    )
    first = cli("evidence", "join", "--log", log, "--json")
    second = cli("evidence", "join", "--log", log, "--json")
    log.write_text(line("VB-5", 403) + line("VB-6", 404) + line("a5"))
    third = cli("evidence", "join", "--log", log, "--json")

    digest = first.json["sha256"]
    assert (first.code, second.code, third.code) == (0, 0, 0), first.err
    assert {key: value for key, value in first.json.items() if key != "sha256"} == {
        "joined": 3, "delivered": 1, "bytes": 512,
        "already": 2, "unmatched": 2, "unnamed": 1, "unreadable": 1,
    }  # fmt: skip
    assert (second.json["joined"], second.json["already"]) == (0, 5)
    assert (third.json["joined"], third.json["delivered"], third.json["already"]) == (2, 0, 1)
    found = joined(home)
    assert {
        ref: (seen["status"], seen["bytes"], seen["whole"], seen["delivered"]) for ref, seen in found.items()
    } == {
        "VB-1": (200, 512, True, True),
        "VB-2": (200, 512, True, False),
        "VB-3": (200, 512, False, False),
        "VB-5": (403, 512, True, False),
        "VB-6": (404, 512, True, False),
    }
    one = found["VB-1"]
    assert (one["of"], one["vantage"], one["claim"], one["host"]) == (
        "VB-1",
        "access-log",
        CLAIM,
        "label.example",
    )
    assert one["log"]["sha256"] == digest
    assert hashlib.sha256(log.read_bytes()).hexdigest() == third.json["sha256"]
    assert cli("evidence", "verify", home / "vorbehalt-evidence").code == 0


def test_more_than_a_minutes_budget_is_joined(home: Path, cli: Cli) -> None:
    log = EvidenceLog(prepare(home / "vorbehalt-evidence", "label.example/evidence"))
    log.start()
    for number in range(200):
        seen: dict[str, object] = {
            "method": "GET",
            "vantage": "forward-auth",
            "request_id": f"m{number}",
            "claim": CLAIM,
        }
        log.append(Draft(type="request", ref=f"VB-M{number}", at=AT, seen=seen, client=str(number)))
    log.close()
    (home / "access.json").write_text("".join(line(f"m{number}") for number in range(200)))

    assert cli("evidence", "join", "--log", "access.json", "--json").json["joined"] == 200
    assert len(joined(home)) == 200


def test_people_read_what_came_of_it(home: Path, cli: Cli) -> None:
    (home / "access.json").write_text(line("a1") + line("zz") + line("") + "nonsense\n")
    out = cli("evidence", "join", "--log", "access.json").out
    explained = cli("explain", "--ref", "VB-1").out

    assert "1 requests joined, of which 1 were delivered whole" in out
    assert "0 were joined before, 1 lines belong to no record of ours" in out
    assert "1 lines are of requests that leave no record" in out
    assert "1 lines cannot be read" in out
    assert "whether and what the site then sent is not seen by us" in explained
    assert "the proxy's own log says: status 200, 512 bytes, whole" in explained
    assert "not seen by us" not in cli("explain", "--ref", "VB-4").out


def test_without_an_evidence_log_there_is_nothing_to_join(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "vorbehalt.toml").write_text(CONFIG)
    (tmp_path / "access.json").write_text(line("a1"))

    done = cli("evidence", "join", "--log", "access.json")

    assert done.code == 1
    assert "there is no evidence log in" in done.err
    assert cli("evidence", "join", "--log", "nowhere.json").code == 2
    assert not (tmp_path / "vorbehalt-evidence").exists()


COMBINED = (
    '203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a\\"b HTTP/1.1" 200 512 "-" "GPTBot/1.2 x" {}\n'
)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (line("a1"), Sent("a1", 200, 512, True)),
        (line("a1", completed=""), Sent("a1", 200, 512, False)),
        ('{"request_id":"e","status":200,"bytes":5,"flags":"-"}', Sent("e", 200, 5, True)),
        ('{"request_id":"e","status":200,"bytes":5,"flags":"DC"}', Sent("e", 200, 5, False)),
        ('{"request_id":"e","status":403,"bytes":5,"flags":"UAEX"}', Sent("e", 403, 5, True)),
        (
            '{"status":200,"size":5,"resp_headers":{"X-Request-Id":["c"],"Content-Length":["5"]}}',
            Sent("c", 200, 5, True),
        ),
        (
            '{"status":200,"size":4,"resp_headers":{"X-Request-Id":["c"],"Content-Length":["5"]}}',
            Sent("c", 200, 4, False),
        ),
        ('{"status":200,"size":5,"resp_headers":{"X-Request-Id":["c"]}}', Sent("c", 200, 5, None)),
        (
            '{"DownstreamStatus":200,"DownstreamContentSize":5,"request_X-Request-Id":"t"}',
            Sent("t", 200, 5, None),
        ),
        (COMBINED.format("a1-b.c_D"), Sent("a1-b.c_D", 200, 512, None)),
        (COMBINED.format('"a1"'), Sent("a1", 200, 512, None)),
        (COMBINED.format("a1").replace("512", "-"), Sent("a1", 200, 0, None)),
        (COMBINED.format("-"), Sent("", 200, 512, None)),
        ('{"status":200,"size":5,"resp_headers":{}}', Sent("", 200, 5, None)),
        (
            '{"status":200,"size":5,"resp_headers":{"X-Vorbehalt-Reference":["VB-1"],"X-Request-Id":["c"]}}',
            Sent("VB-1", 200, 5, None),
        ),
        ('{"request_id":"a b","status":200,"bytes":5}', None),
        ('{"request_id":"a","status":true,"bytes":5}', None),
        ('{"request_id":"a","status":200,"bytes":-5}', None),
        ('{"request_id":"a","status":200,"bytes":1e400}', None),
        ('{"request_id":["a"],"status":200,"bytes":5}', None),
        ("{" * 100_000, None),
        ("[1]", None),
        ("\x00\xff", None),
        ("x" * (2 << 20), None),
    ],
)
def test_each_form_of_a_line_is_read(text: str, sent: Sent | None) -> None:
    assert read_line(text.encode("latin-1")) == sent
