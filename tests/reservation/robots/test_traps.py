"""The rule that forbids trap links: every obedient reader of any group obeys it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from terms_support import Terms
from vorbehalt.reservation.robots.file import MAX_BYTES
from vorbehalt.reservation.robots.merge import merge
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

Reader = Callable[[bytes, str, str], bool]
OPEN = Uses("allow", "allow", "allow", "allow")
TERMS = Terms("https://label.example", trap_path="/related/")
REFUSED = ("GPTBot", "ClaudeBot")
LINK = "/related/AbCdEfGhIjKlMnOpQrStUvWxYz0123"

FILES = {
    "none": None,
    "everybody": b"User-agent: *\nDisallow: /admin\n",
    "open": b"User-agent: *\nAllow: /\n",
    "named": b"User-agent: Googlebot\nUser-agent: Bingbot\nAllow: /\nUser-agent: *\nDisallow: /x",
    "no-rules": b"User-agent: Bingbot\n\nUser-agent: *\nCrawl-delay: 3\n",
    "mixed": b"User-agent: GPTBot\nUser-agent: Bingbot\nAllow: /\n",
}
TWO_READINGS = b"User-agent: Bingbot\nCrawl-delay: 3\nUser-agent: *\nDisallow: /x\n"


@pytest.mark.parametrize("token", ["Googlebot", "Bingbot", "GPTBot", "somebody"])
@pytest.mark.parametrize("name", list(FILES))
def test_a_trap_link_is_forbidden_to_every_crawler(name: str, token: str, reader: Reader) -> None:
    assert not reader(merge(TERMS, FILES[name], REFUSED).body, token, LINK)


@pytest.mark.parametrize("token", ["Googlebot", "Bingbot", "somebody"])
@pytest.mark.parametrize("name", list(FILES))
def test_nothing_else_changes_for_anybody(name: str, token: str, reader: Reader) -> None:
    plain = merge(Terms("https://label.example"), FILES[name], REFUSED).body
    with_traps = merge(TERMS, FILES[name], REFUSED).body

    for path in ("/", "/x", "/admin", "/related", "/lyrics/1", "/robots.txt"):
        assert reader(with_traps, token, path) == reader(plain, token, path)


def test_a_group_that_can_be_read_in_two_ways_keeps_both(reader: Reader) -> None:
    plain = merge(Terms("https://label.example"), TWO_READINGS, REFUSED).body
    body = merge(TERMS, TWO_READINGS, REFUSED).body

    for token in ("Bingbot", "somebody"):
        assert reader(body, token, "/x") == reader(plain, token, "/x")
    assert not reader(body, "somebody", LINK)


def test_where_all_is_open_refused_crawlers_are_told_as_well(reader: Reader) -> None:
    terms = Terms(
        "https://label.example",
        uses=OPEN,
        sections=(Section("songs", ("/songs/",), Uses()),),
        trap_path="/related/",
    )
    body = merge(terms, None, REFUSED).body

    assert not reader(body, "GPTBot", LINK)
    assert reader(body, "GPTBot", "/news")


def test_the_rule_stands_first_for_readers_that_take_the_first_match() -> None:
    lines = merge(TERMS, FILES["open"], ()).body.decode().splitlines()
    at = lines.index("User-agent: *")

    assert lines[at + 1 : at + 3] == ["Disallow: /related/", "Allow: /"]


def test_without_traps_there_is_no_rule() -> None:
    assert b"Disallow: /related/" not in merge(Terms("https://label.example"), None, REFUSED).body


def test_a_rule_of_the_site_that_opens_the_trap_is_named() -> None:
    body = b"User-agent: *\nAllow: /related/songs\nAllow: /\nDisallow: /x\n"

    assert merge(TERMS, body, REFUSED).conflicts == (
        "line 2 of the site's robots.txt may allow what trap links lead to: Allow: /related/songs",
    )


def test_a_file_without_room_for_signals_still_forbids_the_trap(reader: Reader) -> None:
    groups = b"".join(b"User-agent: bot%d\nDisallow: /%d\n" % (number, number) for number in range(14_000))
    merged = merge(TERMS, groups[: MAX_BYTES - 60_000].rpartition(b"User-agent")[0], REFUSED)

    assert not reader(merged.body, "bot7", LINK)
