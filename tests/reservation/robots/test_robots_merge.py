"""The merge with the site's own robots.txt, judged by readers that were not written here."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256

import pytest

from terms_support import Terms
from vorbehalt.reservation.robots.file import MAX_BYTES, parse
from vorbehalt.reservation.robots.merge import Merged, merge
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

Reader = Callable[[bytes, str, str], bool]

OPEN = Uses("allow", "allow", "allow", "allow")
TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")
REFUSED = ("GPTBot", "ClaudeBot", "Google-Extended")
OTHERS = ("Googlebot", "Bingbot", "OAI-SearchBot", "somebody")
SIGNALS = [
    "Content-Signal: search=yes, ai-input=no, ai-train=no",
    "Content-Usage: train-ai=n, ai-use=n, search=y",
    "License: https://label.example/license.xml",
]


def served(merged: Merged) -> list[str]:
    return merged.body.decode("utf-8", "surrogateescape").splitlines()


def test_an_open_section_is_open_to_refused_crawlers(reader: Reader) -> None:
    terms = Terms(
        "https://label.example",
        sections=(Section("press", ("/press/",), OPEN), Section("embargo", ("/press/embargo/",), Uses())),
    )
    body = merge(terms, b"User-agent: *\nDisallow: /press/drafts/", REFUSED).body
    assert reader(body, "GPTBot", "/press/kit.zip")
    assert not reader(body, "GPTBot", "/press/embargo/x")
    assert not reader(body, "GPTBot", "/press/drafts/x")
    assert not reader(body, "GPTBot", "/songs/1")


def test_a_section_open_to_training_alone_stays_closed_to_refused_crawlers(reader: Reader) -> None:
    terms = Terms("https://label.example", sections=(Section("press", ("/press/",), Uses(training="allow")),))
    assert not reader(merge(terms, None, REFUSED).body, "GPTBot", "/press/kit.zip")


def test_where_only_a_section_is_reserved_only_that_is_disallowed(reader: Reader) -> None:
    terms = Terms("https://label.example", uses=OPEN, sections=(Section("songs", ("/songs/",), Uses()),))
    body = merge(terms, b"User-agent: *\nDisallow: /admin\nAllow: /admin/open", REFUSED).body
    assert reader(body, "GPTBot", "/news")
    assert not reader(body, "GPTBot", "/songs/1")
    assert not reader(body, "GPTBot", "/admin/open")


def test_the_permission_of_an_index_page_never_opens_its_directory(google: Reader) -> None:
    terms = Terms("https://label.example", sections=(Section("front", ("/a/index.html",), OPEN),))
    merged = merge(terms, None, REFUSED)
    assert not google(merged.body, "GPTBot", "/a/")
    assert "/a/index.html" in merged.conflicts[0]


def test_without_a_site_file_there_are_two_groups_with_all_signals() -> None:
    groups = parse(merge(TERMS, None, REFUSED).body).groups
    assert [group.agents for group in groups] == [("ClaudeBot", "Google-Extended", "GPTBot"), ("*",)]
    for group in groups:
        assert [line.text for line in group.lines if line.kind == "other"] == SIGNALS


def test_user_agent_lines_of_a_group_of_ours_are_adjacent() -> None:
    lines = served(merge(TERMS, b"User-agent: *\nDisallow: /x", REFUSED))
    at = lines.index("User-agent: ClaudeBot")
    assert lines[at + 1 : at + 4] == ["User-agent: Google-Extended", "User-agent: GPTBot", "Disallow: /"]


def test_the_licence_line_stands_above_the_first_group() -> None:
    lines = [line for line in served(merge(TERMS, None, REFUSED)) if line and not line.startswith("#")]
    assert lines[0] == "License: https://label.example/license.xml"


def test_every_named_group_of_the_site_gets_the_signals_and_nothing_else() -> None:
    body = b"User-agent: Googlebot\nDisallow: /g\n\nUser-agent: *\nDisallow: /x\nSitemap: https://s.example/s"
    merged = served(merge(TERMS, body, REFUSED))
    at = merged.index("User-agent: Googlebot")
    assert merged[at:] == [
        "User-agent: Googlebot",
        "Disallow: /g",
        *SIGNALS,
        "",
        "User-agent: *",
        "Disallow: /x",
        *SIGNALS,
        "Sitemap: https://s.example/s",
    ]


def test_no_group_is_made_for_a_crawler_that_is_not_refused() -> None:
    groups = parse(merge(TERMS, b"User-agent: *\nDisallow: /x", ("GPTBot",), OTHERS).body).groups
    assert [group.agents for group in groups] == [("GPTBot",), ("*",)]


def test_without_refused_crawlers_there_is_no_group_of_ours() -> None:
    assert [group.agents for group in parse(merge(TERMS, None, ()).body).groups] == [("*",)]


def test_unknown_lines_and_odd_bytes_of_the_site_are_kept() -> None:
    body = b"# caf\xe9\nUser-agent: *\nDisallow: /caf\xe9\nX-Odd: 1\n"
    merged = merge(TERMS, body, REFUSED).body
    for line in body.splitlines():
        assert line in merged.split(b"\n")


def test_a_refused_crawler_leaves_the_sites_group_and_the_conflict_is_named() -> None:
    body = (
        b"User-agent: gptbot\nAllow: /blog/\nDisallow: /\n\n"
        b"User-agent: Bingbot\nUser-agent: ClaudeBot\nAllow: /"
    )
    merged = merge(TERMS, body, REFUSED)
    lines = served(merged)
    assert "# superseded by the reservation: User-agent: gptbot" in lines
    assert "# superseded by the reservation: Allow: /blog/" in lines
    assert "# superseded by the reservation: User-agent: ClaudeBot" in lines
    assert "Allow: /" in lines[lines.index("User-agent: Bingbot") :]
    assert len(merged.conflicts) == 2
    assert "gptbot" in merged.conflicts[0]
    assert "ClaudeBot" in merged.conflicts[1]


def test_a_refused_name_of_two_words_leaves_the_sites_group() -> None:
    merged = merge(TERMS, b"User-agent: kangaroo bot\nAllow: /\n", ("Kangaroo Bot",))
    assert "# superseded by the reservation: User-agent: kangaroo bot" in served(merged)
    assert "User-agent: Kangaroo Bot" in served(merged)


def test_a_site_that_already_disallows_a_refused_crawler_is_no_conflict() -> None:
    assert merge(TERMS, b"User-agent: GPTBot\nDisallow: /\n", REFUSED).conflicts == ()


@pytest.mark.parametrize(
    "statement",
    [
        "Content-Signal: search=yes, ai-train=yes",
        "content-signal: /blog/ ai-input=YES",
        "Content-Usage: train-ai=y",
        "Content-Usage: /blog/ ai-use=y;x=1, search=y",
    ],
)
def test_a_signal_of_the_site_that_permits_what_is_reserved_is_superseded(statement: str) -> None:
    merged = merge(TERMS, f"User-agent: *\n{statement}\nDisallow: /x".encode(), REFUSED)
    lines = served(merged)
    assert statement not in lines
    assert f"# superseded by the reservation: {statement}" in lines
    assert sorted(line for line in lines[lines.index("User-agent: *") :] if line in SIGNALS) == sorted(
        SIGNALS
    )
    assert statement in merged.conflicts[0]


def test_a_signal_of_the_site_that_agrees_is_kept_and_not_doubled() -> None:
    merged = merge(TERMS, ("User-agent: *\nAllow: /\n" + "\n".join(SIGNALS)).encode(), ())
    assert merged.conflicts == ()
    assert [line for line in served(merged) if line in SIGNALS[:2]] == SIGNALS[:2]


def test_another_licence_document_is_named_as_a_conflict() -> None:
    merged = merge(TERMS, b"License: https://other.example/rsl.xml\n", REFUSED)
    assert "License: https://other.example/rsl.xml" in served(merged)
    assert "licence" in merged.conflicts[0]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("User-agent: *\nDisallow: /\n".encode("utf-16"), "UTF-8"),
        ("User-agent: *\nDisallow: /\n".encode("utf-16-le"), "UTF-8"),
        (b"<!doctype html>\n<p>\nUser-agent: *\nDisallow: /\n", "markup"),
        (b"\xef\xbb\xbf\n <html>User-agent: *\nDisallow: /\n", "markup"),
    ],
)
def test_an_unusable_site_file_counts_as_empty_and_is_named(reader: Reader, body: bytes, named: str) -> None:
    merged = merge(TERMS, body, REFUSED, OTHERS)
    assert named in merged.conflicts[0]
    assert reader(merged.body, "Googlebot", "/a")
    assert not reader(merged.body, "GPTBot", "/a")


def test_a_byte_order_mark_does_not_end_up_in_the_middle() -> None:
    merged = merge(TERMS, b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /x\r\n", REFUSED).body
    assert b"\xef\xbb\xbf" not in merged
    assert b"\r" not in merged


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_an_oversized_site_file_is_cut_where_readers_stop(google: Reader, end: bytes) -> None:
    body = end.join([b"User-agent: *", b"Disallow: /first", b"# " + b"x" * MAX_BYTES, b"Disallow: /late"])
    merged = merge(TERMS, body, REFUSED, OTHERS)
    assert any("larger than" in conflict for conflict in merged.conflicts)
    assert not google(merged.body, "Googlebot", "/first")
    assert google(merged.body, "Googlebot", "/late")
    assert not google(merged.body, "GPTBot", "/")
    assert merged.body.index(b"User-agent: GPTBot") < 4000


def test_signals_give_way_to_the_sites_rules_where_readers_stop(google: Reader) -> None:
    body = b"".join(b"User-agent: bot-%s\nDisallow: /\n" % (b"a" * n) for n in range(1, 900))
    merged = merge(
        TERMS, body + b"User-agent: *\nDisallow: /x\nUser-agent: Googlebot\nDisallow: /late", REFUSED
    )
    assert len(merged.body) < MAX_BYTES
    assert "so many groups" in merged.conflicts[0]
    assert not google(merged.body[:MAX_BYTES], "Googlebot", "/late")
    assert [served(merged).count(line) for line in SIGNALS] == [2, 2, 3]


def test_a_result_that_is_too_large_all_the_same_is_named() -> None:
    merged = merge(TERMS, b"User-agent: *\n" + b"Disallow: /x\n" * (MAX_BYTES // 13 - 10), REFUSED)
    assert len(merged.body) > MAX_BYTES
    assert "miss the last rules" in merged.conflicts[-1]


@pytest.mark.parametrize("token", ["*", "", "A\nAllow: /", "a#b", "bot:", "\u2028", " x", "x "])
def test_a_token_that_cannot_be_written_is_left_out_and_named(token: str) -> None:
    merged = merge(TERMS, None, (token, "GPTBot"))
    assert "left out" in merged.conflicts[0]
    assert parse(merged.body).groups[0].agents == ("GPTBot",)


@pytest.mark.parametrize("token", ["Googlebot", "googlebot", "Google", "Googlebot/ai", "bot"])
def test_a_token_that_would_reach_a_search_engine_is_left_out_and_named(reader: Reader, token: str) -> None:
    merged = merge(TERMS, None, (token, "GPTBot"), ("Googlebot",))
    assert "search engine Googlebot" in merged.conflicts[0]
    assert reader(merged.body, "Googlebot", "/a")
    assert not reader(merged.body, "GPTBot", "/a")


def test_a_search_engine_is_refused_where_search_itself_is_reserved(reader: Reader) -> None:
    terms = Terms("https://label.example", uses=Uses(search="reserve"))
    assert not reader(merge(terms, None, ("Googlebot",), ("Googlebot",)).body, "Googlebot", "/a")


def test_user_agent_lines_on_which_readers_disagree_are_named() -> None:
    merged = merge(TERMS, b"User-agent: Bingbot\nCrawl-delay: 3\nUser-agent: *\nDisallow: /x\n", REFUSED)
    assert "line 3" in merged.conflicts[0]


def test_the_digest_line_can_be_checked_by_anybody() -> None:
    first, _, rest = merge(TERMS, b"User-agent: *\nDisallow: /caf\xe9", REFUSED).body.partition(b"\n")
    assert first.decode() == f"# sha256 of this file without this line: {sha256(rest).hexdigest()}"


def test_a_date_appears_only_if_it_is_given() -> None:
    assert merge(TERMS, None, REFUSED) == merge(TERMS, None, REFUSED)
    assert not re.search(rb"As of", merge(TERMS, None, REFUSED).body)
    assert b"As of 2026-11-23." in merge(TERMS, None, REFUSED, asof="2026-11-23").body


def test_the_order_and_case_of_the_tokens_do_not_matter() -> None:
    assert merge(TERMS, None, ("b", "A", "a")) == merge(TERMS, None, ("A", "b"))


def test_no_text_of_the_terms_can_start_a_line_of_its_own() -> None:
    nasty = "Evil\nUser-agent: *\r\nDisallow: /\u2028User-agent: x\x85Allow: /\x0c"
    body = merge(
        Terms("https://label.example", nasty, nasty, rightsholder=nasty), None, REFUSED
    ).body.decode()
    heading = body.split("\n\n")[0]
    assert "Evil" in heading
    assert all(line.startswith("#") for line in heading.splitlines())
