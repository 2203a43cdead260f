"""What a robots.txt says to a crawler: answer, line and group, against cases and readers of others."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gpyrobotstxt.robots_cc import get_path_params_query  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from support import cases
from vorbehalt.reservation.robots.file import agent_runs, is_wildcard, parse, product_token
from vorbehalt.reservation.robots.in_force import RobotsInForce
from vorbehalt.reservation.robots.said import Said, what_robots_said

Reader = Callable[[bytes, str, str], bool]


def says(body: bytes, token: str, path: str) -> Said:
    return what_robots_said(body, (token,), path.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("case", cases("robots"))
def test_the_answer_and_its_line_are_as_stated(case: dict[str, Any]) -> None:
    found = says(case["robots"].encode(), case["token"], case["path"])
    assert (found.allowed, found.number) == (case["allowed"], case.get("line"))


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


@settings(max_examples=500)
@given(files, tokens, paths)
def test_every_answer_is_googles(google: Reader, body: bytes, token: str, path: str) -> None:
    assert says(body, token, path).allowed is google(body, token, path)


plain_paths = st.text("/ab", max_size=5).map(lambda text: "/" + text)
plain_lines = st.tuples(
    st.sampled_from(["Allow", "Disallow"]),
    st.one_of(
        plain_paths, plain_paths.map(lambda text: text + "*a"), plain_paths.map(lambda text: text + "$")
    ),
).map(": ".join)
strangers = st.sampled_from(["foo", "quux", "baz_x"])
"""None is a part of another: some readers take a part for a name."""
well_formed = st.lists(
    st.tuples(
        st.lists(st.one_of(strangers, st.just("*")), min_size=1, max_size=2),
        st.lists(plain_lines, max_size=4),
    ),
    max_size=4,
).map(
    lambda groups: "\n\n".join(
        "\n".join([*(f"User-agent: {agent}" for agent in agents), *(rules or ["Disallow:"])])
        for agents, rules in groups
    ).encode()
)


@settings(max_examples=500)
@given(well_formed, strangers, plain_paths)
def test_about_a_well_formed_file_all_readers_agree(
    google: Reader, protego: Reader, body: bytes, token: str, path: str
) -> None:
    answer = says(body, token, path).allowed
    assert (answer, answer) == (google(body, token, path), protego(body, token, path))


@settings(max_examples=300)
@given(files, tokens, paths)
def test_the_line_that_is_named_decides_and_stands_in_a_group_that_names_the_crawler(
    google: Reader, body: bytes, token: str, path: str
) -> None:
    """Without that line, and without all that say the same, the answer has another reason."""
    found = says(body, token, path)
    own = b"\n".join(body.splitlines()).decode().split("\n")
    if found.number is None:
        assert (found.allowed, found.line) == (True, None)
        return
    assert found.line == own[found.number - 1].strip()
    assert found.line.lower().startswith("allow" if found.allowed else "dis")
    before = [line.partition(":")[2].strip() for line in own[: found.number] if "user" in line.lower()]
    assert found.agent in before
    assert google(f"User-agent: {token}\n{found.line}\nDisallow: /".encode(), token, path) is found.allowed


@settings(max_examples=300)
@given(files, st.lists(tokens, min_size=1, max_size=3), paths)
def test_a_crawler_that_obeys_several_tokens_is_in_the_right_if_any_lets_it_in(
    google: Reader, body: bytes, obeyed: list[str], path: str
) -> None:
    expected = any(google(body, token, path) for token in obeyed)
    assert what_robots_said(body, obeyed, path.encode()).allowed is expected


@given(st.lists(files, min_size=1, max_size=2), st.lists(tokens, min_size=1, max_size=2), paths)
def test_a_file_that_is_kept_for_many_questions_gives_the_same_answers(
    bodies: list[bytes], obeyed: list[str], path: str
) -> None:
    for body in bodies:
        kept = RobotsInForce.of(body)
        expected = what_robots_said(body, obeyed, path.encode())
        assert [kept.says(tuple(obeyed), path.encode()) for _ in range(2)] == [expected] * 2


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        (b"", "/a", Said(True, None, None, None)),
        (b"User-agent: other\nDisallow: /", "/a", Said(True, None, None, None)),
        (b"User-agent: *\nDisallow: /b", "/a", Said(True, None, None, "*")),
        (b"User-agent: FOO/2.0\nDisallow: /b", "/a", Said(True, None, None, "FOO/2.0")),
        (b"User-agent: *\n  Disallow :  /a  # why", "/a", Said(False, "Disallow :  /a  # why", 2, "*")),
        (b"User-agent: *\nDisallow: /", "/robots.txt", Said(True, None, None, "*")),
        (b"User-agent: *\nDisallow: /a\nDisallow: /a", "/a", Said(False, "Disallow: /a", 2, "*")),
        (b"User-agent: *\nDisallow: /a*\nDisallow: /ab", "/ab", Said(False, "Disallow: /a*", 2, "*")),
        (b"User-agent: *\nDisallow: /ab\nDisallow: /a*", "/ab", Said(False, "Disallow: /ab", 2, "*")),
        (b"User-agent: *\nDisallow: /a*\nAllow: /ab", "/ab", Said(True, "Allow: /ab", 3, "*")),
        (b"User-agent: *\nDisallow: /ab\nAllow: /a*", "/ab", Said(True, "Allow: /a*", 3, "*")),
        (b"User-agent: *\nAllow: /a\nDisallow: /*b", "/ab", Said(False, "Disallow: /*b", 3, "*")),
        (
            b"User-agent: foo\nDisallow: /a\n\nUser-agent: x\nUser-agent: Foo\nAllow: /ab",
            "/abc",
            Said(True, "Allow: /ab", 6, "Foo"),
        ),
        (
            b"User-agent: *\nDisallow: /\xff\xc3\xa4",
            "/%FF%C3%A4",
            Said(False, "Disallow: /\ufffd\xe4", 2, "*"),
        ),
        (
            b"User-agent: *\nDisallow: /" + b"a" * 300,
            "/" + "a" * 300,
            Said(False, "Disallow: /" + "a" * 189, 2, "*"),
        ),
    ],
)
def test_the_answer_names_line_number_and_group(body: bytes, path: str, expected: Said) -> None:
    assert says(body, "foo", path) == expected


def test_of_several_tokens_the_one_that_lets_in_is_named_else_the_first() -> None:
    body = b"User-agent: a\nDisallow: /x\n\nUser-agent: b\nDisallow: /x\nAllow: /x/open"
    assert what_robots_said(body, ("a", "b"), b"/x/open") == Said(True, "Allow: /x/open", 6, "b")
    assert what_robots_said(body, ("a", "b"), b"/x/shut") == Said(False, "Disallow: /x", 2, "a")
    assert what_robots_said(body, (), b"/x") == Said(True, None, None, None)


def test_a_target_is_taken_as_it_comes() -> None:
    body = b"User-agent: *\nDisallow: /*?key=\nDisallow: /\xc3\xa4"
    for target in (
        b"/a?key=1",
        b"https://label.example/a?key=1#part",
        b"/\xc3\xa4",
        b"/%c3%a4",
        b"/%C3%A4/b",
    ):
        assert what_robots_said(body, ("foo",), target).allowed is False
    for target in (b"/a?k", b"", b"?key", b"*", b"/a#?key=1"):
        assert what_robots_said(body, ("foo",), target).allowed is True


@given(st.binary(max_size=300), st.text(max_size=8), st.binary(max_size=8))
def test_no_bytes_make_the_matcher_fail(body: bytes, token: str, target: bytes) -> None:
    what_robots_said(b"User-agent: *\nDisallow: /" + body, (token,), target)


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
def test_googles_published_cases_hold_but_for_three_named_departures() -> None:
    """The robots.txt itself is always allowed, octets beyond ASCII are the same percent-encoded or not
    (both RFC 9309), and tokens with digits are names in full."""
    total, departures = 0, []
    for file, robots, url, token, expected in _published():
        total += 1
        path = get_path_params_query(url)
        if says(robots, token, path).allowed is not expected:
            departures.append((file, token, path))
    assert total == 400
    assert all(
        path == "/robots.txt" or re.search("[0-9]", token) or not path.isascii()
        for _, token, path in departures
    ), departures
    assert len(departures) == 8
