"""What a refresh leaves behind: the lists in force, every snapshot, and the list of any day."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from vorbehalt.errors import EvidenceError, RulesError
from vorbehalt.identify.networks import RangeList, read_range_lists
from vorbehalt.lookups.fetch import Fetched, FetchError
from vorbehalt.lookups.range_files import (
    Attempt,
    RangeFiles,
    RangesBusyError,
    current_lists,
    lists_at,
    read_list,
)
from vorbehalt.lookups.ranges import Refreshed, list_sources, refresh
from vorbehalt.settings import load_rules

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
SHIPPED_AT = 1_788_220_800_000_000_000  # 2026-09-01T00:00:00Z
NOW = SHIPPED_AT + 80 * DAY
SHIPPED = ("8.8.8.0/24", "9.9.9.0/24", "2a00:1450::/32")
MOVED = ("8.8.8.0/24", "9.9.10.0/24", "2a00:1450::/32")


def rule(name: str, prefixes: Sequence[str] = SHIPPED, **more: str) -> bytes:
    return json.dumps(
        {
            "list": name,
            "source_url": f"https://{name}.example/list.json",
            "fetched_at": "2026-09-01T00:00:00Z",
            "basis": "operator",
            "prefixes": [{"ipv6Prefix" if ":" in text else "ipv4Prefix": text} for text in prefixes],
        }
        | more
    ).encode()


def rules(*names: str) -> dict[str, bytes]:
    return {f"ranges/{name}.json": rule(name) for name in names or ("bot",)}


class Operators:
    """Stands for all operators: one answer for each list, and what was asked."""

    def __init__(self, **answers: Sequence[str] | bytes | Exception) -> None:
        self.answers = answers
        self.etag = ""
        self.asked: list[tuple[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, url: str, *, etag: str = "") -> Fetched:
        name = url.removeprefix("https://").partition(".")[0]
        self.asked.append((name, etag))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        if etag and etag == self.etag:
            return Fetched(url, b"", etag, unchanged=True)
        body = answer if isinstance(answer, bytes) else "\n".join(answer).encode()
        return Fetched(url, body, self.etag)


def go(
    directory: Path,
    fetch: Operators,
    documents: dict[str, bytes] | None = None,
    *,
    at: int = NOW,
    keep: Callable[[bytes], str] | None = None,
    only: Sequence[str] | None = None,
    accept: bool = False,
) -> dict[str, Refreshed]:
    found = asyncio.run(
        refresh(
            documents or rules(),
            directory,
            fetch=fetch,
            keep=keep,
            only=only,
            accept=accept,
            clock=lambda: at,
        )
    )
    return {one.list: one for one in found}


@functools.cache
def shipped(*names: str) -> dict[str, RangeList]:
    return read_range_lists(rules(*names))


# --- one refresh


def test_a_changed_list_is_put_in_force_with_its_day_and_digest(tmp_path: Path) -> None:
    body = "\n".join(MOVED).encode()
    found = go(tmp_path, Operators(bot=body))["bot"]
    digest = hashlib.sha256(body).hexdigest()
    assert found == Refreshed("bot", "updated", "", NOW, 3, digest)
    (now,) = current_lists(shipped(), tmp_path).values()
    assert now.networks.contains("9.9.10.1")
    assert not now.networks.contains("9.9.9.1")
    assert (now.fetched_at, now.digest, now.basis) == (NOW, digest, "operator")


def test_a_fetched_list_has_the_form_of_the_rules(tmp_path: Path) -> None:
    go(tmp_path, Operators(bot=MOVED))
    body = (tmp_path / "bot.json").read_bytes()
    (one,) = read_range_lists({"ranges/bot.json": body}).values()
    assert one.fetched_at == NOW
    assert one.source_url == "https://bot.example/list.json"
    assert one.networks.size == 3


def test_the_bytes_are_kept_exactly_as_fetched_before_they_count(tmp_path: Path) -> None:
    kept: list[bytes] = []

    def keep(body: bytes) -> str:
        assert not (tmp_path / "bot.json").exists()
        kept.append(body)
        return hashlib.sha256(body).hexdigest()

    body = b"# as of today \r\n" + "\r\n".join(MOVED).encode()
    go(tmp_path, Operators(bot=body), keep=keep)
    assert kept == [body]
    assert not (tmp_path / "objects").exists()


def test_without_evidence_the_bytes_are_kept_beside_the_lists(tmp_path: Path) -> None:
    body = "\n".join(MOVED).encode()
    digest = go(tmp_path, Operators(bot=body))["bot"].digest
    assert (tmp_path / "objects" / "sha256" / digest[:2] / digest).read_bytes() == body


def test_the_same_prefixes_in_other_bytes_are_unchanged_and_fresh(tmp_path: Path) -> None:
    found = go(tmp_path, Operators(bot=b"# hello\n" + "\n".join(reversed(SHIPPED)).encode()))["bot"]
    assert (found.outcome, found.fetched_at) == ("unchanged", NOW)
    assert current_lists(shipped(), tmp_path)["bot"].fetched_at == NOW


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (
            SHIPPED[:1],
            "held",
            "it shrank from 3 networks to 1; if that is right, take it with --list bot --accept",
        ),
        ((*SHIPPED, "10.0.0.0/8"), "held", "10.0.0.0/8 is not globally routable"),
        ((*SHIPPED, "32.0.0.0/7"), "held", "it covers more than an IPv4 /8, too much to say who somebody is"),
        (b"<html>", "failed", "the document is HTML or XML, not a list"),
        (FetchError("no whole answer within 30 s"), "failed", "no whole answer within 30 s"),
    ],
)
def test_in_doubt_the_old_list_and_its_age_stay(
    answer: Sequence[str] | bytes | Exception, outcome: str, reason: str, tmp_path: Path
) -> None:
    go(tmp_path, Operators(bot=SHIPPED), at=NOW - DAY)
    before = (tmp_path / "bot.json").read_bytes()
    found = go(tmp_path, Operators(bot=answer))["bot"]
    assert (found.outcome, found.reason) == (outcome, reason)
    assert (found.fetched_at, found.prefixes) == (NOW - DAY, 3)
    assert not found.is_fine
    assert (tmp_path / "bot.json").read_bytes() == before
    *_, last = RangeFiles(tmp_path).attempts()
    assert (last.outcome, last.reason, last.fetched_at) == (outcome, reason, NOW)


def test_what_was_held_is_kept_and_asked_for_whole_again(tmp_path: Path) -> None:
    operators = Operators(bot=SHIPPED[:1])
    operators.etag = '"2"'
    held = go(tmp_path, operators)["bot"]
    assert held.digest
    assert (tmp_path / "objects" / "sha256" / held.digest[:2] / held.digest).exists()
    assert go(tmp_path, operators)["bot"].outcome == "held"
    assert operators.asked == [("bot", ""), ("bot", "")]


def test_a_person_who_looked_may_accept_a_list_that_shrank_but_no_impossible_one(tmp_path: Path) -> None:
    assert go(tmp_path, Operators(bot=SHIPPED[:1]), accept=True)["bot"].outcome == "updated"
    assert go(tmp_path, Operators(bot=["8.0.0.0/7"]), accept=True)["bot"].outcome == "held"


def test_one_list_that_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    found = go(tmp_path, Operators(a=MOVED, b=FetchError("gone"), c=MOVED), rules("a", "b", "c"))
    assert [one.outcome for one in found.values()] == ["updated", "failed", "updated"]
    now = current_lists(shipped("a", "b", "c"), tmp_path)
    assert [one.fetched_at for one in now.values()] == [NOW, SHIPPED_AT, NOW]


def test_many_lists_are_fetched_at_once_but_not_all(tmp_path: Path) -> None:
    names = [f"bot{n}" for n in range(20)]
    operators = Operators(**dict.fromkeys(names, MOVED))
    go(tmp_path, operators, rules(*names))
    assert operators.most_at_once == 6


def test_only_the_lists_asked_for_are_fetched(tmp_path: Path) -> None:
    operators = Operators(a=MOVED, b=MOVED)
    assert set(go(tmp_path, operators, rules("a", "b"), only=["b"])) == {"b"}
    assert operators.asked == [("b", "")]
    with pytest.raises(RulesError, match="no list is named c, d"):
        go(tmp_path, operators, rules("a", "b"), only=["c", "d", "a"])


# --- sources


def test_a_page_for_people_is_not_fetched_and_said_so(tmp_path: Path) -> None:
    operators = Operators()
    found = go(tmp_path, operators, {"ranges/page.json": rule("page", form="html")})["page"]
    assert found.outcome == "skipped"
    assert found.reason == "its operator publishes a page for people only: https://page.example/list.json"
    assert found.is_fine
    assert operators.asked == []


def test_a_source_without_https_is_not_fetched(tmp_path: Path) -> None:
    found = go(tmp_path, Operators(), {"ranges/a.json": rule("a", source_url="http://a.example/")})["a"]
    assert (found.outcome, found.reason) == ("skipped", "its source is not https: http://a.example/")


def test_five_lists_of_the_rules_are_pages_and_are_named() -> None:
    sources = list_sources(load_rules(None)[0])
    assert [name for name, source in sources.items() if source.why_not] == [
        "amazon-amazonbot",
        "kagi-kagibot",
        "se-ranking-sebot-wa",
        "wikimedia-citoid",
        "you-youbot",
    ]


@pytest.mark.parametrize(
    ("shipped_basis", "fetched_basis", "expected"),
    [
        ("operator", "", "operator"),
        ("third-party", "", "third-party"),
        ("third-party", "operator", "operator"),
    ],
)
def test_a_copy_becomes_the_operators_word_only_where_the_rules_say_so(
    shipped_basis: str, fetched_basis: str, expected: str, tmp_path: Path
) -> None:
    more = {"basis": shipped_basis} | ({"fetched_basis": fetched_basis} if fetched_basis else {})
    documents = {"ranges/bot.json": rule("bot", **more)}
    go(tmp_path, Operators(bot=MOVED), documents)
    assert current_lists(read_range_lists(documents), tmp_path)["bot"].basis == expected


def test_an_as_list_stays_a_third_partys() -> None:
    sources = list_sources(load_rules(None)[0])
    assert {s.basis for n, s in sources.items() if "-as" in n and "ripe.net" in s.url} == {"third-party"}
    assert sources["mistral-user"].basis == "operator"


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("../evil", {}, "lists are named in lower case"),
        ("a/b", {}, "lists are named in lower case"),
        ("a", {"fetched_basis": "rumour"}, "fetched_basis must be operator or third-party, not 'rumour'"),
    ],
)
def test_malformed_sources_are_refused(name: str, more: dict[str, str], reason: str) -> None:
    with pytest.raises(RulesError, match=reason):
        list_sources({f"ranges/{name}.json": rule(name, **more)})


# --- ETag


def test_a_list_confirmed_by_its_etag_is_as_fresh_as_a_fetched_one(tmp_path: Path) -> None:
    operators = Operators(bot=MOVED)
    operators.etag = '"1"'
    first = go(tmp_path, operators, at=NOW - DAY)["bot"]
    second = go(tmp_path, operators)["bot"]
    assert operators.asked == [("bot", ""), ("bot", '"1"')]
    assert (second.outcome, second.fetched_at, second.digest) == ("unchanged", NOW, first.digest)
    now = current_lists(shipped(), tmp_path)["bot"]
    assert (now.fetched_at, now.digest) == (NOW, first.digest)
    assert now.networks.contains("9.9.10.1")


def test_the_etag_is_kept_through_confirmations_and_failures(tmp_path: Path) -> None:
    operators = Operators(bot=MOVED)
    operators.etag = '"1"'
    go(tmp_path, operators)
    go(tmp_path, operators)
    go(tmp_path, Operators(bot=FetchError("down")))
    go(tmp_path, operators)
    assert [etag for _, etag in operators.asked] == ["", '"1"', '"1"']


@pytest.mark.parametrize("damage", ["gone", "torn", "moved"])
def test_without_the_list_that_it_would_confirm_no_etag_is_sent(damage: str, tmp_path: Path) -> None:
    operators = Operators(bot=MOVED)
    operators.etag = '"1"'
    go(tmp_path, operators)
    documents = rules()
    if damage == "gone":
        (tmp_path / "bot.json").unlink()
    elif damage == "torn":
        (tmp_path / "bot.json").write_bytes(b'{"list":')
    else:
        documents = {"ranges/bot.json": rule("bot", source_url="https://bot.example/new.json")}
    assert go(tmp_path, operators, documents)["bot"].outcome == "updated"
    assert [etag for _, etag in operators.asked] == ["", ""]


def test_an_etag_is_not_sent_for_a_list_that_a_crash_put_in_force_without_noting_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operators = Operators(bot=SHIPPED)
    operators.etag = '"1"'
    go(tmp_path, operators)

    def crash(*_: object) -> None:
        raise KeyError("note")

    with monkeypatch.context() as patch:
        patch.setattr(RangeFiles, "note", crash)
        with pytest.raises(ExceptionGroup):
            go(tmp_path, Operators(bot=MOVED))
    go(tmp_path, operators)
    assert [etag for _, etag in operators.asked] == ["", ""]
    assert current_lists(shipped(), tmp_path)["bot"].networks.contains("9.9.9.1")


def test_a_304_that_was_not_asked_for_is_a_failure(tmp_path: Path) -> None:
    async def unasked(url: str, *, etag: str = "") -> Fetched:
        return Fetched(url, b"", "", unchanged=True)

    (found,) = asyncio.run(refresh(rules(), tmp_path, fetch=unasked))
    assert (found.outcome, found.reason) == ("failed", "answered 304 to a question without condition")


# --- the disk


def test_a_disk_that_refuses_leaves_the_old_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go(tmp_path, Operators(bot=SHIPPED), at=NOW - DAY)
    before = (tmp_path / "bot.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        found = go(tmp_path, Operators(bot=MOVED))["bot"]
    assert (found.outcome, found.reason) == ("failed", "it could not be kept: No space left on device")
    assert (tmp_path / "bot.json").read_bytes() == before
    assert not list(tmp_path.rglob(".*.tmp"))


def test_evidence_that_refuses_the_bytes_keeps_the_old_list(tmp_path: Path) -> None:
    def keep(body: bytes) -> str:
        raise EvidenceError("object could not be kept")

    found = go(tmp_path, Operators(bot=MOVED), keep=keep)["bot"]
    assert (found.outcome, found.reason) == ("failed", "object could not be kept")
    assert not (tmp_path / "bot.json").exists()


def test_a_crash_between_two_steps_leaves_a_whole_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    def crash(*_: object) -> None:
        raise Crash

    go(tmp_path, Operators(bot=SHIPPED), at=NOW - DAY)
    for name in ("replace", "note"):
        with monkeypatch.context() as patch:
            patch.setattr(Path if name == "replace" else RangeFiles, name, crash)
            with pytest.raises(BaseExceptionGroup):
                go(tmp_path, Operators(bot=MOVED))
        assert current_lists(shipped(), tmp_path)["bot"].networks.size == 3
    assert go(tmp_path, Operators(bot=MOVED))["bot"].is_fine
    assert not list(tmp_path.rglob(".*.tmp")), "the next refresh clears what the crash left"


def test_two_processes_do_not_fetch_the_same_lists(tmp_path: Path) -> None:
    operators = Operators(bot=MOVED)
    with RangeFiles(tmp_path).locked(), pytest.raises(RangesBusyError, match="another process"):
        go(tmp_path, operators)
    assert operators.asked == []
    assert go(tmp_path, operators)["bot"].is_fine


def test_an_index_with_a_torn_line_is_carried_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = RangeFiles(tmp_path)
    first, second = Attempt("bot", 1, "failed"), Attempt("bot", 2, "failed")
    files.note([first])
    with files.index.open("ab") as file:
        file.write(b'{"list": "bot", "fetch')
    files.note([second])
    assert list(files.attempts()) == [first, second]
    assert "index.jsonl:2: passed over" in caplog.text


# --- the lists in force


def test_a_newer_shipped_list_wins_over_an_older_fetched_one(tmp_path: Path) -> None:
    go(tmp_path, Operators(bot=MOVED), at=SHIPPED_AT - DAY)
    assert current_lists(shipped(), tmp_path)["bot"].fetched_at == SHIPPED_AT


def test_a_list_fetched_from_elsewhere_does_not_count(tmp_path: Path) -> None:
    go(tmp_path, Operators(bot=MOVED), {"ranges/bot.json": rule("bot", source_url="https://bot.example/old")})
    assert current_lists(shipped(), tmp_path)["bot"].fetched_at == SHIPPED_AT


def test_a_fetched_list_that_was_damaged_is_passed_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bot.json").write_bytes(b"{}")
    assert current_lists(shipped(), tmp_path) == shipped()
    assert "the fetched list bot cannot be used" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_without_a_directory_the_shipped_lists_are_in_force(tmp_path: Path) -> None:
    assert current_lists(shipped(), None) == current_lists(shipped(), tmp_path / "none") == shipped()


# --- the list of that day


def test_a_day_is_judged_by_the_snapshot_nearest_to_it(tmp_path: Path) -> None:
    days = {10: SHIPPED, 20: MOVED, 30: (*MOVED, "1.1.1.1/32")}
    for day, prefixes in days.items():
        go(tmp_path, Operators(bot=prefixes), at=SHIPPED_AT + day * DAY)
    for day, nearest in ((0, 10), (14, 10), (15, 10), (16, 20), (24, 20), (26, 30), (300, 30)):
        found = lists_at(tmp_path, SHIPPED_AT + day * DAY)["bot"]
        assert found.fetched_at == SHIPPED_AT + nearest * DAY, day
        assert found.networks.size == len(days[nearest])
        assert found.digest == hashlib.sha256("\n".join(days[nearest]).encode()).hexdigest()


def test_a_shipped_list_is_a_snapshot_too(tmp_path: Path) -> None:
    go(tmp_path, Operators(bot=MOVED), at=SHIPPED_AT + 20 * DAY)
    for day, nearest in ((-5, 0), (9, 0), (10, 0), (11, 20), (40, 20)):
        found = lists_at(tmp_path, SHIPPED_AT + day * DAY, shipped())["bot"]
        assert found.fetched_at == SHIPPED_AT + nearest * DAY, day


def test_a_day_on_which_a_list_was_confirmed_counts(tmp_path: Path) -> None:
    operators = Operators(bot=MOVED)
    operators.etag = '"1"'
    for day in (10, 11, 12):
        go(tmp_path, operators, at=SHIPPED_AT + day * DAY)
    assert lists_at(tmp_path, SHIPPED_AT + 11 * DAY)["bot"].fetched_at == SHIPPED_AT + 11 * DAY
    assert len(list((tmp_path / "snapshots" / "bot").iterdir())) == 1


def test_what_was_held_or_failed_is_no_snapshot(tmp_path: Path) -> None:
    go(tmp_path, Operators(bot=SHIPPED[:1]))
    go(tmp_path, Operators(bot=FetchError("down")))
    assert lists_at(tmp_path, NOW) == {}
    assert lists_at(None, NOW, shipped()) == shipped()


def test_a_snapshot_that_is_gone_leaves_the_shipped_list(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    digest = go(tmp_path, Operators(bot=MOVED))["bot"].digest
    (tmp_path / "snapshots" / "bot" / digest).unlink()
    assert lists_at(tmp_path, NOW, shipped()) == shipped()
    assert f"snapshot {digest} of list bot is gone" in caplog.text


def test_a_digest_in_the_index_cannot_lead_out_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(rule("bot"))
    files = RangeFiles(tmp_path / "ranges")
    (tmp_path / "ranges" / "snapshots" / "bot").mkdir(parents=True)
    files.note(
        [Attempt("bot", NOW, "updated", "../../../secret"), Attempt("../../secret", NOW, "updated", "")]
    )
    assert lists_at(tmp_path / "ranges", NOW) == {}


def test_a_list_without_raw_bytes_is_known_by_its_own_digest() -> None:
    assert read_list("bot", rule("bot")).digest == hashlib.sha256(rule("bot")).hexdigest()
