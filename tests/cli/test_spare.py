"""`spare`: the refused visitor is let in and nobody else; every look at an address is recorded."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from asgi_support import CHROME, GPTBOT, PageApp, ask
from process_support import GPTBOT as GPTBOT_TEXT
from process_support import VORBEHALT, free_port, running, vorbehalt, wait_for
from process_support import ask as ask_port
from support import erase_row
from vorbehalt import VorbehaltMiddleware
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.vault.forgetting import destroy_day
from vorbehalt.evidence.vault.vault import Keys
from vorbehalt.stores.overrides_file import read

Cli = Callable[..., Any]
UNKNOWN = "VB-0000-0000-0000-0000"
HERE, THERE = ("203.0.113.9", 1), ("203.0.113.10", 1)


@pytest.fixture
def protected(site: Path) -> Iterator[VorbehaltMiddleware]:
    """The site of the configuration, with its evidence on disk."""
    made = VorbehaltMiddleware(PageApp(), config=site)
    yield made
    made.close()


def refused(made: VorbehaltMiddleware, client: Any = HERE, **more: Any) -> str:
    """Be refused, and return the reference that the visitor reads."""
    got = ask(made, client=client, **{"agent": GPTBOT, **more})
    assert got.status in (403, 429)
    found = re.search(rb"VB-[0-9A-Z-]{19}", got.body)
    assert found
    return found[0].decode()


def follow(made: VorbehaltMiddleware) -> None:
    """Look at the file, as the thread does four times a second."""
    assert made.runtime is not None
    made.runtime.overrides.look()


def directory(folder: Path) -> Path:
    return folder / "vorbehalt-evidence"


def records(folder: Path, kind: str) -> list[Any]:
    return [record["seen"] for record in show(directory(folder), Filters(type=kind))]


def test_the_refused_visitor_is_let_in_and_nobody_else(
    cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path
) -> None:
    reference = refused(protected)
    refused(protected, THERE)
    before = time.time_ns()

    done = cli("spare", "--ref", reference.lower(), "--for", "30d", "--reason", "our own agency")
    follow(protected)

    assert done.code == 0, done.err
    assert done.out.startswith(f"{reference} (block by the rule training, ")
    assert "as GPTBot" in done.out
    assert ask(protected, agent=GPTBOT, client=HERE).status == 200
    assert ask(protected, agent=GPTBOT, client=THERE).status == 403
    assert ask(protected, agent=CHROME, client=HERE).status == 200
    (one,) = read(directory(tmp_path) / "run" / "overrides.json").spares
    assert (one.ref, one.token, one.reason) == (reference, "GPTBot", "our own agency")
    assert 0 <= one.until - before - 30 * 86_400 * 10**9 < 60 * 10**9
    for path in (tmp_path / "vorbehalt-evidence" / "run").rglob("*"):
        assert not path.is_file() or b"203.0.113" not in path.read_bytes()
    assert "203.0.113" not in done.out


def test_all_of_it_is_recorded_and_holds(cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path) -> None:
    reference = refused(protected)
    cli("spare", "--ref", reference, "--for", "30d", "--reason", "our own agency")
    follow(protected)
    ask(protected, agent=GPTBOT, client=HERE)
    cli("spare", "--end", reference)
    protected.close()

    (access,) = records(tmp_path, "vault-access")
    assert (access["who"], access["why"], access["of"]) == ("command line", "spare", reference)
    begin, end = records(tmp_path, "spare")
    assert [(one["event"], one["of"], one["token"]) for one in (begin, end)] == [
        ("begin", reference, "GPTBot"),
        ("end", reference, "GPTBot"),
    ]
    decision = records(tmp_path, "request")[-1]["decision"]
    assert (decision["action"], decision["would"], decision["enforced"]) == ("allow", "allow", True)
    assert (decision["rule"], decision["reasons"]) == (f"spare:{reference}", ["spared"])
    found = verify(directory(tmp_path))
    assert (found.problems, found.gaps) == ((), 0)


def test_explain_tells_the_refusal_the_spare_and_the_visit_that_was_let_in(
    cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path
) -> None:
    reference = refused(protected)
    first = cli("explain", "--ref", reference)
    assert (first.code, "action: block" in first.out, "since then" in first.out) == (0, True, False)

    cli("spare", "--ref", reference, "--for", "30d")

    assert "since then: this visitor is let in until 2" in cli("explain", "--ref", reference).out
    asked = ("explain", "--json", "-H", "User-Agent: GPTBot/1.2", "/lyrics/1", "--ip")
    assert cli(*asked, "203.0.113.9").json["reasons"] == ["spared"]
    assert cli(*asked, "203.0.113.10").json["reasons"] == ["training-reserved"]


def test_explain_goes_on_without_what_it_cannot_read(
    cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path
) -> None:
    cli("spare", "--ref", refused(protected), "--for", "30d")
    asked = ("explain", "--json", "-H", "User-Agent: GPTBot/1.2", "/lyrics/1", "--ip", "203.0.113.9")
    (directory(tmp_path) / "keys" / "spares.key").write_text("no key")
    damaged_key = cli(*asked)
    (directory(tmp_path) / "run" / "overrides.json").write_text("{")
    damaged_file = cli(*asked)

    assert (damaged_key.json["action"], "their key cannot be read" in damaged_key.err) == ("block", True)
    assert (damaged_file.json["action"], "damaged" in damaged_file.err) == ("block", True)


def test_list_end_and_end_again(cli: Cli, protected: VorbehaltMiddleware) -> None:
    assert cli("spare", "--list").out == "Nobody is spared.\n"
    reference = refused(protected)
    cli("spare", "--ref", reference, "--for", "30d")
    cli("spare", "--ref", reference, "--for", "60d")
    listed = cli("spare", "--list", "--json").json["spares"]
    assert [(one["ref"], one["rule"], one["token"]) for one in listed] == [
        (reference, f"spare:{reference}", "GPTBot")
    ]

    assert cli("spare", "--end", reference).out == "Nobody is spared.\n"
    follow(protected)
    assert ask(protected, agent=GPTBOT, client=HERE).status == 403
    again = cli("spare", "--end", reference)
    assert (again.code, again.err) == (1, f"the visitor of {reference} is not spared\n")


def test_an_unknown_reference_is_said(cli: Cli, site: Path, protected: VorbehaltMiddleware) -> None:
    assert cli("spare", "--ref", UNKNOWN, "--for", "30d").code == 1
    refused(protected)
    done = cli("spare", "--ref", UNKNOWN, "--for", "30d")

    assert (done.code, f"no request with the reference {UNKNOWN}" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--ref"),
        (["--ref", UNKNOWN], "--for"),
        (["--for", "30d"], "--ref"),
        (["--ref", UNKNOWN, "--for", "ever"], "--for"),
        (["--ref", "12", "--for", "30d"], "VB-XXXX"),
        (["--end", "12"], "VB-XXXX"),
        (["--ref", UNKNOWN, "--for", "30d", "--list"], "--list"),
    ],
)
def test_wrong_usage(arguments: list[str], said: str, cli: Cli, site: Path) -> None:
    done = cli("spare", *arguments)

    assert (done.code, said in done.err) == (2, True)


def test_without_evidence_on_disk_nobody_can_be_found(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text() + '[evidence]\ndirectory = "memory:"\n[state]\ndirectory = "state"\n')

    done = cli("spare", "--ref", UNKNOWN, "--for", "30d")

    assert (done.code, "no address is kept on disk" in done.err) == (2, True)


def test_what_was_answered_needs_no_spare(cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path) -> None:
    got = ask(protected, agent=GPTBOT.replace(b"GPTBot", b"OAI-SearchBot"), client=HERE)
    assert got.status == 200
    protected.close()
    (record,) = show(directory(tmp_path), Filters(type="request"))

    done = cli("spare", "--ref", str(record["ref"]), "--for", "30d")

    assert (done.code, "was answered, not refused" in done.err) == (1, True)


def test_the_address_of_a_proxy_that_is_not_trusted_spares_nobody(
    cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path
) -> None:
    reference = refused(protected, headers=[(b"x-forwarded-for", b"198.51.100.7")])

    done = cli("spare", "--ref", reference, "--for", "30d")

    assert (done.code, "network.trusted_proxies" in done.err) == (1, True)
    protected.close()
    assert records(tmp_path, "vault-access") == []


def test_an_impostor_is_spared_only_on_demand(cli: Cli, site: Path, protected: VorbehaltMiddleware) -> None:
    # A token that no real client sends is contradicted by itself.
    reference = refused(protected, agent=b"Mozilla/5.0 (compatible; Google-Extended)")
    done = cli("spare", "--ref", reference, "--for", "30d")
    assert (done.code, "contradicts" in done.err) == (1, True)
    assert cli("spare", "--ref", reference, "--for", "30d", "--contradicted").code == 0


def test_a_forgotten_address_cannot_be_spared(
    cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path
) -> None:
    first, second = refused(protected), refused(protected)
    protected.close()
    (row, *_) = (directory(tmp_path) / "vault").rglob("*.rows")
    sequence = next(r["s"] for r in show(directory(tmp_path), Filters(ref=first, type="request")))
    assert erase_row(row, int(str(sequence))) == 1
    erased = cli("spare", "--ref", first, "--for", "30d")
    assert (erased.code, "was erased" in erased.err) == (1, True)

    destroy_day(directory(tmp_path), row.parent.name, "claimed")
    gone = cli("spare", "--ref", second, "--for", "30d")

    assert (gone.code, f"the vault's key of {row.parent.name} was destroyed" in gone.err) == (1, True)
    assert Keys(directory(tmp_path)).get("spares") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")
def test_root_leaves_what_the_servers_user_can_read(
    cli: Cli, protected: VorbehaltMiddleware, tmp_path: Path
) -> None:
    reference = refused(protected)
    protected.close()
    for path in (tmp_path, *tmp_path.rglob("*")):
        os.chown(path, 65534, 65534)
    for parent in tmp_path.parents:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)

    done = vorbehalt("spare", "--ref", reference, "--for", "30d", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    owners = {path: path.stat().st_uid for path in directory(tmp_path).rglob("*")}
    assert {path for path, owner in owners.items() if owner != 65534} == set()


def test_with_a_real_server_the_visitor_is_let_in_within_a_second(tmp_path: Path, site: Path) -> None:
    port = free_port()
    upstream = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1"]
    with ExitStack() as stack:
        behind = free_port()
        (tmp_path / "www").mkdir()
        stack.enter_context(running([*upstream, str(behind)], behind, tmp_path / "www"))
        arguments = [*VORBEHALT, "serve", "--upstream", f"http://127.0.0.1:{behind}"]
        stack.enter_context(
            running([*arguments, "--listen", f"127.0.0.1:{port}", "--workers", "2"], port, tmp_path)
        )
        answer = ask_port(port, "/", GPTBOT_TEXT)
        assert answer.status == 403
        found = re.search(rb"VB-[0-9A-Z-]{19}", answer.body)
        assert found

        done = vorbehalt("spare", "--ref", found[0].decode(), "--for", "30d", folder=tmp_path)

        assert done.returncode == 0, done.stderr
        wait_for(
            lambda: {ask_port(port, "/", GPTBOT_TEXT).status for _ in range(6)} == {200},
            "the visitor is not let in",
            1.0,
        )
        assert ask_port(port, "/", GPTBOT_TEXT.replace("GPTBot", "ClaudeBot")).status == 403
