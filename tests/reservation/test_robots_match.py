"""What a robots.txt says to a crawler, against cases and against readers of others."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpyrobotstxt.robots_cc import get_path_params_query  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from support import cases
from vorbehalt.reservation.robots import agent_runs, is_wildcard, parse, product_token
from vorbehalt.reservation.robots_match import allowed

Reader = Callable[[bytes, str, str], bool]


@pytest.mark.parametrize("case", cases("robots"))
def test_the_answer_and_its_line_are_as_stated(case: dict[str, Any]) -> None:
    groups = parse(case["robots"].encode()).groups
    answer, line = allowed(groups, case["token"], case["path"])
    assert answer is case["allowed"]
    assert (line.number if line else None) == case.get("line")


tokens = st.sampled_from(["foo", "Foo-Bar", "bar", "baz_x"])
agents = st.one_of(tokens, st.just("*"), st.just("foo/1.2"), st.just(""), st.just("* all"))
rule_paths = st.text("/ab*$.", min_size=1, max_size=7).map(lambda text: "/" + text)
lines = st.one_of(
    agents.map(lambda agent: f"User-agent: {agent}"),
    st.tuples(st.sampled_from(["Allow", "Disallow", "allow ", "DISALLOW", "disalow"]), rule_paths).map(
        lambda parts: f"{parts[0]}: {parts[1]}"
    ),
    st.sampled_from(
        ["Disallow:", "Crawl-delay: 3", "Sitemap: https://x.example/s", "# note", "", "Allow: /a/index.html"]
    ),
)
files = st.tuples(st.lists(lines, max_size=12), st.sampled_from(["\n", "\r\n"])).map(
    lambda parts: parts[1].join(parts[0]).encode()
)
paths = st.text("/ab.$", max_size=8).map(lambda text: "/" + text)


@given(files, tokens, paths)
def test_every_answer_is_googles(google: Reader, body: bytes, token: str, path: str) -> None:
    assert allowed(parse(body).groups, token, path)[0] is google(body, token, path)


@given(st.binary(max_size=300), st.text(max_size=8), st.text(max_size=8))
def test_no_bytes_make_the_matcher_fail(body: bytes, token: str, path: str) -> None:
    allowed(parse(b"User-agent: *\nDisallow: /" + body).groups, token, path)


@given(st.binary(max_size=300))
def test_a_parsed_file_keeps_every_byte_of_its_lines(body: bytes) -> None:
    site = parse(b"#" + body)
    kept = "\n".join(line.text for line in site.lines).encode("utf-8", "surrogateescape")
    assert kept == re.sub(b"\r\n|\r", b"\n", b"#" + body)
    assert [line.number for line in site.lines] == list(range(1, len(site.lines) + 1))


def test_a_line_beyond_what_readers_keep_is_cut() -> None:
    body = b"User-agent: *\nDisallow: /" + b"a" * 20_000
    (rule,) = parse(body).groups[0].rules
    assert rule.pattern.priority == 2083 * 8 - 1 - len("Disallow: ")


def test_stricter_readers_start_a_group_after_any_record() -> None:
    (group,) = parse(
        b"User-agent: a\nCrawl-delay: 1\nUser-agent: b\nSitemap: x\nUser-agent: c\nAllow: /"
    ).groups
    assert [[line.value for line in run if line.kind == "agent"] for run in agent_runs(group)] == [
        ["a"],
        ["b", "c"],
    ]


@pytest.mark.parametrize(
    ("agent", "token", "wildcard"),
    [("GPTBot/1.0", "GPTBot", False), ("*", "", True), ("* x", "", True), ("*x", "", False), ("", "", False)],
)
def test_user_agent_values_are_read_as_product_tokens(agent: str, token: str, wildcard: bool) -> None:
    assert product_token(agent) == token
    assert is_wildcard(agent) is wildcard


_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", '"': b'"', "\\": b"\\"}
_STRINGS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
_EXPECTATION = re.compile(
    rf"robotstxt:\s*{_STRINGS}|testurl:\s*{_STRINGS}useragent:\s*{_STRINGS}expected_outcome:\s*(\w+)"
)


def _octets(text: str) -> bytes:
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    tokens = re.findall(r"\\x[0-9A-Fa-f]{2}|\\.|[^\\]+", "".join(pieces))
    return b"".join(
        bytes([int(token[2:], 16)])
        if token.startswith("\\x")
        else _ESCAPES[token[1]]
        if token.startswith("\\")
        else token.encode()
        for token in tokens
    )


def _published() -> Iterator[tuple[str, bytes, str, str, bool]]:
    folder = Path(os.environ["VORBEHALT_VECTORS"]) / "robots"
    for file in sorted(folder.glob("*.textproto")):
        robots = b""
        for found in _EXPECTATION.finditer(file.read_text("utf-8")):
            if found[1] is not None:
                robots = _octets(found[1])
            else:
                url, token = _octets(found[2]).decode(), _octets(found[3]).decode()
                yield file.name, robots, url, token, found[4] == "ALLOWED"


@pytest.mark.real("vectors")
def test_googles_published_cases_hold_but_for_two_named_departures() -> None:
    """The robots.txt itself is always allowed (RFC 9309), and tokens with digits are names in full."""
    total, departures = 0, []
    for file, robots, url, token, expected in _published():
        total += 1
        path = get_path_params_query(url)
        if allowed(parse(robots).groups, token, path)[0] is not expected:
            departures.append((file, token, path))
    assert total == 400
    assert all(path == "/robots.txt" or re.search("[0-9]", token) for _, token, path in departures), (
        departures
    )
    assert len(departures) == 6
