"""`doctor` finds the usual mistakes; each check alone with values, and all of them on a real directory."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from asgi_support import GPTBOT, PageApp, ask
from process_support import VORBEHALT, free_port, running
from vorbehalt import VorbehaltMiddleware
from vorbehalt.cli.doctor import clock, knowledge, live, places, proof, visitors
from vorbehalt.cli.doctor.found import Check
from vorbehalt.probe.finding import Finding
from vorbehalt.settings.model import NetworkSettings

Cli = Callable[..., Any]
NOW = 1_764_000_000 * 10**9
MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 27 0:40 / /var rw - overlay overlay rw,lowerdir=/a
41 27 0:41 / /var/lib/with\040space rw master:3 - nfs4 server:/x rw
42 27 0:42 / /run rw - tmpfs tmpfs rw
43 27 0:43 / /run rw - xfs /dev/sdb rw
nonsense
"""


def found(checks: list[Check]) -> list[tuple[str, str]]:
    return [(check.id, check.severity) for check in checks]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/evidence", "ext4"),
        ("/", "ext4"),
        ("/var", "overlay"),
        ("/var/lib/evidence", "overlay"),
        ("/variety", "ext4"),
        ("/var/lib/with space/e", "nfs4"),
        ("/run/x", "xfs"),
    ],
)
def test_the_kind_of_file_system_is_that_of_the_nearest_mount(path: str, kind: str) -> None:
    assert places.kind_of(path, places.read_mounts(MOUNTS)) == kind


PLACE = places.Place("evidence.directory", "/srv/e", True, True, "ext4", 50 << 30, 100 << 30, 10**6, 0, "33")


@pytest.mark.parametrize(
    ("change", "in_container", "evidence", "state"),
    [
        ({}, True, "ok", "ok"),
        ({"kind": "tmpfs"}, False, "error", "warning"),
        ({"kind": "overlay"}, True, "error", "warning"),
        ({"kind": "overlay"}, False, "warning", "warning"),
        ({"kind": "nfs4"}, False, "warning", "warning"),
        ({"kind": "cifs"}, False, "warning", "warning"),
        ({"kind": "fuse.sshfs"}, False, "warning", "warning"),
    ],
)
def test_where_evidence_must_not_lie(change: Any, in_container: bool, evidence: str, state: str) -> None:
    place = replace(PLACE, **change)
    checks = places.check_place(place, is_evidence=True, in_container=in_container)
    assert found(checks)[0] == ("evidence-filesystem", evidence)
    assert (checks[0].remedy == "") is (evidence == "ok")
    other = replace(place, name="state.directory")
    assert found(places.check_place(other, is_evidence=False, in_container=in_container))[0][1] == state


@pytest.mark.parametrize(
    ("change", "id", "severity"),
    [
        ({"free": (64 << 20) - 1}, "evidence-space", "error"),
        ({"free": 64 << 20}, "evidence-space", "warning"),
        ({"free": 4 << 30}, "evidence-space", "warning"),
        ({"free": 5 << 30}, "evidence-space", "ok"),
        ({"total": 10 << 30, "free": (1 << 30) - 1}, "evidence-space", "warning"),
        ({"free_files": 9_999}, "evidence-space", "warning"),
        ({"free_files": None}, "evidence-space", "ok"),
        ({"may_write": False}, "evidence-access", "error"),
        ({"strangers": 1}, "evidence-access", "error"),
        ({"exists": False}, "evidence-access", "ok"),
    ],
)
def test_room_and_access(change: Any, id: str, severity: str) -> None:
    checks = places.check_place(replace(PLACE, **change), is_evidence=True, in_container=False)

    assert (id, severity) in found(checks)


def test_an_unknown_kind_of_file_system_is_no_finding() -> None:
    checks = places.check_place(replace(PLACE, kind=""), is_evidence=True, in_container=True)

    assert [check.id for check in checks] == ["evidence-space", "evidence-access"]


@pytest.mark.parametrize(
    ("synchronised", "last", "expected"),
    [
        (True, None, [("clock-synchronised", "ok")]),
        (False, None, [("clock-synchronised", "warning")]),
        (None, NOW, []),
        (None, NOW + 5 * 10**9, []),
        (None, NOW + 5 * 10**9 + 1, [("clock-behind", "error")]),
    ],
)
def test_the_clock(synchronised: bool | None, last: int | None, expected: Any) -> None:
    assert found(clock.check_clock(synchronised, NOW, last)) == expected


def test_the_kernel_is_asked_about_the_clock() -> None:
    assert clock.is_synchronised() in (True, False, None)


LOG = proof.Proof(9, ({"type": "request"},), 1, True, 1.0, True)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"problem": "bad"}, None),
        ({"is_all_sealed": False}, []),
        ({"is_all_sealed": False, "writers": 0}, [("evidence-sealing", "warning")]),
        ({"is_all_sealed": False, "checkpoint_age": 60.0}, []),
        ({"is_all_sealed": False, "checkpoint_age": 60.1}, [("evidence-sealing", "error")]),
        (
            {"is_all_sealed": False, "checkpoint_age": 99.0, "has_signer": False},
            [("evidence-sealing", "error")],
        ),
        ({"checkpoint_age": 10**6}, []),
        ({"tail": ({"type": "gap"}, {"type": "request"})}, [("evidence-gaps", "warning")]),
    ],
)
def test_the_evidence(change: Any, expected: Any) -> None:
    checks = proof.check_proof(replace(LOG, **change))

    if expected is None:
        assert found(checks) == [("evidence-log", "error")]
    else:
        assert found(checks) == [("evidence-log", "ok"), *expected]


def request(
    source: str, address: str | None = "a", token: str = "GPTBot", config: str = "c"
) -> dict[str, Any]:
    private = {} if address is None else {"address": {"p": address}}
    seen = {"source": source, "versions": {"config": config}, "claim": {"token": token}}
    return {"type": "request", "seen": seen, "private": private}


ONE_ADDRESS = [request("direct", token=f"t{number % 4}") for number in range(20)]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], []),
        ([{"type": "gap", "seen": {}}], []),
        ([request("untrusted", config="earlier")], []),
        ([request("direct")], ["ok"]),
        ([request("direct"), request("untrusted")], ["error"]),
        (ONE_ADDRESS, ["warning"]),
        (ONE_ADDRESS[1:], ["ok"]),
        ([*ONE_ADDRESS, request("direct", "b")], ["ok"]),
        ([request("direct", token=f"t{number % 3}") for number in range(20)], ["ok"]),
        ([request("none", None)] * 21, ["warning"]),
        ([request("none", None)] * 20, ["ok"]),
    ],
)
def test_whose_addresses_are_seen(records: Any, expected: list[str]) -> None:
    assert [check.severity for check in visitors.check_visitors(records, "c", False)] == expected


@pytest.mark.parametrize(
    ("hours", "severity"),
    [
        ([], "error"),
        ([721.0], "error"),
        ([720.0], "warning"),
        ([25.0], "warning"),
        ([24.0], "ok"),
        ([1.0, 721.0], "warning"),
    ],
)
def test_the_age_of_the_lists(hours: list[float], severity: str) -> None:
    check = knowledge.check_lists(hours, NetworkSettings())

    assert check.severity == severity
    assert ("rules refresh" in check.remedy) is (severity != "ok")
    assert "see the log" in knowledge.check_lists([721.0], NetworkSettings(refresh=True)).remedy


def test_what_is_on_and_not_installed() -> None:
    everything = NetworkSettings(dns=True, refresh=True, signatures=True)

    assert [c.severity for c in knowledge.check_extras(everything, frozenset())] == ["error"] * 3
    assert knowledge.check_extras(everything, knowledge.needed_modules()) == []
    assert knowledge.check_extras(NetworkSettings(), frozenset()) == []


@pytest.mark.parametrize(("limit", "severity"), [(4095, "warning"), (4096, "ok"), (-1, "ok")])
def test_open_files(limit: int, severity: str) -> None:
    assert knowledge.check_files(limit).severity == severity


def test_sharing() -> None:
    assert found(knowledge.check_sharing(False)) == [("state-directory", "warning")]
    assert knowledge.check_sharing(True) == []


def test_the_health_of_a_live_site_becomes_checks() -> None:
    assert found(live.from_health({"state": "green", "reasons": []})) == [("live-health", "ok")]
    assert (
        found(live.from_health({"state": "yellow", "reasons": ["a", "b"]}))
        == [("live-health", "warning")] * 2
    )
    assert found(live.from_health({"state": "red", "reasons": ["a"]})) == [("live-health", "error")]
    others: list[Any] = [None, [], {}, {"state": "fine"}]
    for other in others:
        assert found(live.from_health(other)) == [("live-health", "warning")]


@pytest.mark.parametrize(
    "id", ["headers-missing", "cache-stale", "refusal-cached", "document-missing", "tdmrep-form"]
)
def test_a_finding_of_the_probe_becomes_a_check_with_a_remedy(id: str) -> None:
    check = live.from_finding(Finding(id, "error", ("/a",), "this", "that", "it is so"))

    assert (check.id, check.severity) == (f"probe-{id}", "error")
    assert check.message == "it is so (/a): that"
    assert check.remedy


def by_id(result: Any) -> dict[str, str]:
    return {check["id"]: check["severity"] for check in result.json["checks"]}


def test_a_fresh_set_up_has_no_errors(cli: Cli, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "kind_of", lambda path, mounts: "ext4")
    done = cli("doctor", "--json")

    assert done.code == 0
    assert list(done.json) == ["ok", "checks"]
    assert done.json["ok"] is True
    assert list(done.json["checks"][0]) == ["id", "severity", "message", "remedy"]
    assert "error" not in by_id(done).values()
    text = cli("doctor")
    assert (text.code, "give --url" in text.err) == (0, True)
    assert text.out.splitlines()[-1].startswith(f"{len(done.json['checks'])} checks: 0 errors, ")


def test_evidence_in_memory_file_systems_fails(cli: Cli, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "kind_of", lambda path, mounts: "tmpfs")
    done = cli("doctor", "--json")

    assert (done.code, done.json["ok"], by_id(done)["evidence-filesystem"]) == (1, False, "error")


def test_a_real_directory_is_looked_at(
    cli: Cli, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "kind_of", lambda path, mounts: "ext4")
    made = VorbehaltMiddleware(PageApp(), config=site)
    ask(made, agent=GPTBOT, headers=[(b"x-forwarded-for", b"198.51.100.7")])
    made.close()
    done = cli("doctor", "--json")
    assert by_id(done)["client-address"] == "error"
    assert by_id(done)["evidence-log"] == "ok"

    keys = tmp_path / "vorbehalt-evidence" / "keys"
    (keys / "log.key").chmod(0o644)
    assert by_id(cli("doctor", "--json"))["evidence-log"] == "error"
    (keys / "log.key").chmod(0o600)
    (entry,) = (tmp_path / "vorbehalt-evidence" / "log" / "tile" / "entries").rglob("*.p/*")
    entry.write_bytes(entry.read_bytes().replace(b"GPTBot", b"GPTBox"))
    broken = cli("doctor", "--json")
    assert (broken.code, by_id(broken)["evidence-log"]) == (1, "error")


def test_a_clock_that_fell_behind_is_an_error(
    cli: Cli, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = VorbehaltMiddleware(PageApp(), config=site)
    ask(made, agent=GPTBOT)
    made.close()
    early = time.time_ns() - 3_600 * 10**9
    monkeypatch.setattr("vorbehalt.cli.doctoring.time.time_ns", lambda: early)

    assert by_id(cli("doctor", "--json"))["clock-behind"] == "error"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_that_the_server_cannot_read_are_found(
    cli: Cli, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = VorbehaltMiddleware(PageApp(), config=site)
    ask(made, agent=GPTBOT)
    made.close()
    os.chown(tmp_path / "vorbehalt-evidence" / "run" / "state.json", 65534, 65534)

    done = cli("doctor", "--json")
    assert (done.code, by_id(done)["evidence-access"]) == (1, "error")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_told_that_it_may_not_write(site: Path, tmp_path: Path) -> None:
    made = VorbehaltMiddleware(PageApp(), config=site)
    ask(made, agent=GPTBOT)
    made.close()
    for shut in ("vorbehalt-evidence", "vorbehalt-evidence/log"):
        (tmp_path / shut).chmod(0o700)
        place = _as_nobody(partial(places.look, "evidence.directory", tmp_path / shut / "x", []))
        assert not place.may_write
    told = _as_nobody(lambda: proof.look(tmp_path / "vorbehalt-evidence", NOW))
    assert told is not None
    assert found(proof.check_proof(told)) == [("evidence-log", "error")]


def _as_nobody(act: Callable[[], Any]) -> Any:
    os.seteuid(65534)
    try:
        return act()
    finally:
        os.seteuid(0)


def test_a_wrong_configuration_is_exit_2(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text() + "nonsense = 1\n")

    done = cli("doctor", "--json")
    assert (done.code, done.json["ok"], set(by_id(done).values())) == (2, False, {"error"})
    assert cli("doctor").code == 2
    assert cli("doctor", "--url", "ftp://a").code == 2


def test_no_evidence_on_disk_is_a_warning(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text() + '[evidence]\ndirectory = "off"\n')

    found = by_id(cli("doctor", "--json"))
    assert (found["evidence-filesystem"], found["state-directory"]) == ("warning", "warning")


def test_a_live_site_is_asked(cli: Cli, tmp_path: Path, site: Path) -> None:
    port, behind = free_port(), free_port()
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("<p>a page</p>")
    upstream = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(behind)]
    arguments = [*VORBEHALT, "serve", "--upstream", f"http://127.0.0.1:{behind}"]
    with (
        running(upstream, behind, tmp_path / "www"),
        running([*arguments, "--listen", f"127.0.0.1:{port}"], port, tmp_path),
    ):
        done = by_id(cli("doctor", "--json", "--url", f"http://127.0.0.1:{port}"))
        bare = cli("doctor", "--json", "--url", f"http://127.0.0.1:{behind}")
    gone = by_id(cli("doctor", "--json", "--url", f"http://127.0.0.1:{port}"))

    assert done["live-site"] == "ok"
    assert "live-health" in done
    assert "probe-headers-missing" not in done
    assert bare.code == 1
    assert by_id(bare)["live-health"] == "warning"
    assert any(id.startswith("probe-") and severity == "error" for id, severity in by_id(bare).items())
    assert gone["live-site"] == "error"
