"""`signals --at` and `signals history`: a day of the past, its exact bytes, the record that proves them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asgi_support import PageApp, ask
from vorbehalt import VorbehaltMiddleware

Cli = Callable[..., Any]
KEYS = [
    "path", "headers", "documents", "digest", "at", "valid_from", "valid_until", "record", "observed",
    "imported", "source", "config", "pending", "notes", "imports", "by_media",
]  # fmt: skip


@pytest.fixture
def served(site: Path) -> Path:
    """The site ran twice: with training reserved, then, after a reload, allowed. Everything is sealed."""
    served = VorbehaltMiddleware(PageApp(), config=site)
    assert served.runtime is not None
    served.runtime._keep_house = lambda: None  # type: ignore[method-assign]
    ask(served)
    site.write_text(site.read_text().replace("[reservation]\n", '[reservation]\ntraining = "allow"\n', 1))
    assert served.runtime.reload(force=True)
    served.close()
    return site


@pytest.fixture
def versions(served: Path, cli: Cli) -> list[dict[str, Any]]:
    found = cli("signals", "history", "--json")
    assert found.code == 0
    return list(found.json["versions"])


def test_the_history_has_a_line_for_each_version(versions: list[dict[str, Any]], cli: Cli) -> None:
    first, second = versions
    lines = cli("signals", "history").out.splitlines()

    assert [first["cause"], second["cause"]] == ["start", "reload"]
    assert first["valid_until"] == second["valid_from"]
    assert second["valid_until"] is None
    assert first["changed"] is None
    assert {"term": "uses.training", "from": "reserve", "to": "allow"} in second["changed"]["terms"]
    assert second["config_changed"]
    assert len(lines) == 2
    assert lines[0].startswith(f"{first['valid_from']}  {first['valid_until']}  {first['digest'][:16]}")
    assert lines[0].endswith("start  first known version")
    assert "uses.training: reserve -> allow" in lines[1]
    assert f"configuration {second['config'][:16]}" in lines[1]


def test_a_day_of_the_past_has_the_keys_of_signals_and_what_proves_them(
    versions: list[dict[str, Any]], cli: Cli
) -> None:
    first, second = versions
    now = cli("signals", "--json", "/press/1").json
    old = cli("signals", "--at", first["valid_from"], "--json", "/press/1").json
    new = cli("signals", "--at", second["valid_from"], "--json", "/press/1").json

    assert list(old) == KEYS
    assert [old[key] for key in ("record", "valid_from", "valid_until", "config", "digest")] == [
        first[key] for key in ("record", "valid_from", "valid_until", "config", "digest")
    ]
    assert (old["observed"], old["imported"], old["source"], old["notes"]) == (True, False, None, [])
    assert "ai-train=no" in old["documents"]["/robots.txt"]["body"]
    assert new["digest"] == now["digest"] != old["digest"]
    assert {key: new[key] for key in ("path", "headers", "documents")} == {
        key: now[key] for key in ("path", "headers", "documents")
    }


def test_headers_are_those_of_the_section_of_that_day(
    served: Path, versions: list[dict[str, Any]], cli: Cli
) -> None:
    at = versions[0]["valid_from"]
    served.write_text(served.read_text().replace('paths = ["/press/"]', 'paths = ["/elsewhere/"]'))

    def reservation(path: str) -> str:
        return str(dict(cli("signals", "--at", at, "--json", path).json["headers"])["tdm-reservation"])

    assert [reservation(path) for path in ("/press/1?q", "//press/./1", "/lyrics/1", "/elsewhere/1")] == [
        "0", "0", "1", "1",
    ]  # fmt: skip


def test_headers_by_media_type_are_all_told(site: Path, cli: Cli) -> None:
    site.write_text(
        site.read_text().replace(
            "[[host]]",
            '[[reservation.section]]\nname = "audio"\nmedia = ["audio/*"]\nsearch = "reserve"\n\n[[host]]',
        )
    )
    served = VorbehaltMiddleware(PageApp(), config=site)
    ask(served)
    served.close()
    at = cli("signals", "history", "--json").json["versions"][0]["valid_from"]

    found = cli("signals", "--at", at, "--json", "/press/1").json
    plain = cli("signals", "--at", at, "/press/1").out

    assert found["headers"] == cli("signals", "--json", "/press/1").json["headers"]
    assert found["by_media"] == []
    told = cli("signals", "--at", at, "--json", "/lyrics/1").json
    assert told["headers"] == cli("signals", "--json", "/lyrics/1").json["headers"]
    assert [part["media"] for part in told["by_media"]] == [["audio/*"], ["*/*"]]
    usage = [dict(part["headers"])["content-usage"] for part in told["by_media"]]
    assert ["search=n" in usage[0], "search=n" in usage[1]] == [True, False]
    assert "for answers of" not in plain
    assert "for answers of audio/*:\n" in cli("signals", "--at", at, "/lyrics/1").out


def test_a_page_in_several_languages_is_told_in_each(versions: list[dict[str, Any]], cli: Cli) -> None:
    at = versions[1]["valid_from"]
    now = cli("signals", "--json").json["documents"]["/ai-policy"]
    then = cli("signals", "--at", at, "--json").json["documents"]["/ai-policy"]
    german = cli("signals", "--at", at, "--document", "/ai-policy?lang=de")

    assert then == now
    assert sorted(then["languages"]) == ["de", "en", "fr"]
    assert german.out == then["languages"]["de"] == cli("signals", "--document", "/ai-policy?lang=de").out
    assert "also in de: --document '/ai-policy?lang=de'\n" in cli("signals", "--at", at).out


def test_the_instant_of_the_change_belongs_to_the_new_version(
    versions: list[dict[str, Any]], cli: Cli
) -> None:
    first, second = versions
    whole, _, fraction = second["valid_from"].rstrip("Z").partition(".")
    before = f"{whole}.{int(fraction.ljust(9, '0')) - 1:09d}Z"

    assert cli("signals", "--at", second["valid_from"], "--json").json["digest"] == second["digest"]
    assert cli("signals", "--at", before, "--json").json["digest"] == first["digest"]


def test_a_document_comes_as_its_exact_bytes(versions: list[dict[str, Any]], cli: Cli) -> None:
    at = versions[0]["valid_from"]
    body = cli("signals", "--at", at, "--json").json["documents"]["/license.xml"]["body"]
    printed = cli("signals", "--at", at, "--document", "/license.xml")
    missing = cli("signals", "--at", at, "--document", "/nothing.txt")

    assert (printed.code, printed.out, printed.err) == (0, body, "")
    assert (missing.code, missing.out) == (1, "")
    assert "/nothing.txt is not known of that time; known documents: /.well-known/" in missing.err


def test_a_document_of_today_comes_as_its_exact_bytes(site: Path, cli: Cli) -> None:
    body = cli("signals", "--json").json["documents"]["/robots.txt"]["body"]

    assert cli("signals", "--document", "/robots.txt").out == body
    assert cli("signals", "--document", "/x").code == 1


def test_plain_output_says_what_it_rests_on(versions: list[dict[str, Any]], cli: Cli) -> None:
    found = cli("signals", "--at", versions[0]["valid_from"], "/press/1")

    assert "  tdm-reservation: 0\n" in found.out
    assert "\n/robots.txt (text/plain; charset=utf-8):\n" in found.out
    assert f"digest of the whole set: {versions[0]['digest']}\n" in found.out
    assert (
        f"valid from {versions[0]['valid_from']} until {versions[0]['valid_until']}, by record 1\n"
        in found.out
    )
    assert found.out.endswith("observed: yes, a process of ours was running then\n")


def test_where_nobody_was_running_that_is_said(versions: list[dict[str, Any]], cli: Cli) -> None:
    from vorbehalt.cli.output import moment, utc_exact

    found = cli("signals", "--at", utc_exact(moment(None)), "--json")

    assert found.code == 0
    assert found.json["observed"] is False
    assert found.json["notes"] == ["no process of ours was running then: nothing shows what was served"]


def test_a_time_before_the_first_version_names_the_first(versions: list[dict[str, Any]], cli: Cli) -> None:
    found = cli("signals", "--at", "2001-01-01")

    assert (found.code, found.out) == (1, "")
    assert found.err == (
        "nothing is known of 2001-01-01T00:00:00Z: the first known version is of"
        f" {versions[0]['valid_from']}; nothing was imported from before (vorbehalt signals import)\n"
    )


def test_a_host_has_its_own_past(served: Path, versions: list[dict[str, Any]], cli: Cli) -> None:
    own = cli("signals", "history", "--host", "Archive.Example:443", "--json").json["versions"]
    at = own[0]["valid_from"]

    assert [version["record"] for version in own] != [version["record"] for version in versions]
    found = cli("signals", "--at", at, "--host", "archive.example", "--json").json
    assert "https://archive.example/license.xml" in dict(found["headers"])["link"]


def test_without_evidence_nothing_is_known(site: Path, cli: Cli) -> None:
    shown, listed = cli("signals", "--at", "2026-01-01"), cli("signals", "history")

    assert (shown.code, listed.code) == (1, 1)
    assert "there is no evidence in" in shown.err
    assert not (site.parent / "vorbehalt-evidence").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "2999-01-01"], "in the future"),
        (["--at", "yesterday"], '"yesterday" is no time'),
        (["--at", "2026-01-01", "--write", "x"], "it writes what is in force now"),
        (["--document", "/robots.txt", "--write", "x"], "it writes what is in force now"),
    ],
)
def test_wrong_usage_is_a_sentence(site: Path, cli: Cli, arguments: list[str], said: str) -> None:
    found = cli("signals", *arguments)

    assert (found.code, found.out) == (2, "")
    assert said in found.err


@pytest.mark.parametrize("directory", ["off", "memory:"])
def test_no_history_where_nothing_is_kept(site: Path, cli: Cli, directory: str) -> None:
    site.write_text(f'{site.read_text()}\n[evidence]\ndirectory = "{directory}"\n')

    found = cli("signals", "--at", "2026-01-01")

    assert found.code == 2
    assert f'evidence.directory is "{directory}"' in found.err


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_document_that_does_not_hold_exits_1(
    served: Path, versions: list[dict[str, Any]], cli: Cli, how: str
) -> None:
    at = versions[0]["valid_from"]
    body = cli("signals", "--at", at, "--document", "/robots.txt").out.encode()
    objects = served.parent / "vorbehalt-evidence" / "objects"
    (path,) = [path for path in objects.rglob("*") if path.is_file() and path.read_bytes() == body]
    path.unlink() if how == "missing" else path.write_bytes(body + b"\n")

    found = cli("signals", "--at", at, "--document", "/robots.txt")

    assert (found.code, found.out) == (1, "")
    assert "the history does not hold: record 1 names an object that does not hold" in found.err
    assert path.name in found.err


def test_a_changed_record_proves_nothing(served: Path, versions: list[dict[str, Any]], cli: Cli) -> None:
    entries = served.parent / "vorbehalt-evidence" / "log" / "tile" / "entries"
    (bundle,) = [path for path in entries.rglob("*") if path.is_file()]
    bundle.write_bytes(bundle.read_bytes().replace(b'"cause":"start"', b'"cause":"stare"'))

    found = cli("signals", "--at", versions[0]["valid_from"], "--json")

    assert (found.code, found.out) == (1, "")
    assert "the history does not hold" in found.err


def test_what_waits_in_the_spool_is_said(served: Path, versions: list[dict[str, Any]], cli: Cli) -> None:
    spool = served.parent / "vorbehalt-evidence" / "spool" / f"{'0' * 16}-{'0' * 8}-1.0.spool"
    spool.write_bytes(os.urandom(20))

    found = cli("signals", "history")

    assert found.code == 0
    assert "the newest records are not sealed yet" in found.err


def test_robots_of_the_past_answers_by_the_version_of_that_time(
    versions: list[dict[str, Any]], cli: Cli
) -> None:
    first, second = versions

    before = cli("signals", "robots", "GPTBot", "/a", "--at", first["valid_from"], "--json").json
    after = cli("signals", "robots", "GPTBot", "/a", "--at", second["valid_from"], "--json").json

    assert (before["allowed"], before["line"], before["agent"]) == (False, "Disallow: /", "GPTBot")
    assert (after["allowed"], after["agent"]) == (True, "*")
    assert (before["record"], after["record"]) == (first["record"], second["record"])
    assert before["valid_until"] == after["valid_from"]
    assert before["version"] != after["version"]
    plain = cli("signals", "robots", "GPTBot", "/a", "--at", second["valid_from"])
    assert f"valid from {second['valid_from']} until now, by record {second['record']}" in plain.out


def test_robots_of_a_time_of_which_nothing_is_known_is_no_answer(served: Path, cli: Cli) -> None:
    result = cli("signals", "robots", "GPTBot", "/a", "--at", "2001-01-01")

    assert (result.code, result.out) == (1, "")
    assert "nothing is known of 2001-01-01" in result.err
    assert cli("signals", "robots", "GPTBot", "/a", "--at", "2999-01-01").code == 2
