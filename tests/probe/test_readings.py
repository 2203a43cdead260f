"""What each channel says, as its readers are told to read it."""

from __future__ import annotations

import pytest

from vorbehalt.probe import readings
from vorbehalt.reservation.robots.file import parse
from vorbehalt.reservation.vocabulary import read_vocabulary
from vorbehalt.settings import load_rules

WORDS = read_vocabulary(load_rules(None)[0])


@pytest.mark.parametrize(
    ("value", "said"),
    [("1", {"tdm": "reserve"}), (" 0 ", {"tdm": "allow"}), ("true", {}), ('"1"', {}), ("", {}), ("1, 1", {})],
)
def test_tdm_reservation(value: str, said: dict[str, str]) -> None:
    assert readings.reservation(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("train-ai=n, ai-use=n, search=y", {"training": "reserve", "ai_input": "reserve", "search": "allow"}),
        ("train-ai=n;x=1", {"training": "reserve"}),
        ("train-ai", {}),
        ('train-ai="n"', {}),
        ("train-ai=no", {}),
        ("train-ai=(n)", {}),
        ("Train-AI=n, search=y", {}),
        ("train-ai=n,", {}),
        ("train-ai=n search=y", {}),
        ("train-ai=y, train-ai=n", {"training": "reserve"}),
        ("ai-train=n, search=y", {"search": "allow"}),
        ("train-ai=\u00fc", {}),
    ],
)
def test_content_usage(value: str, said: dict[str, str]) -> None:
    assert readings.usage(value, WORDS.aipref) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("search=yes, ai-train=no", {"search": "allow", "training": "reserve"}),
        ("AI-Input = NO,use=reference", {"ai_input": "reserve"}),
        ("ai-train=n", {}),
        ("train-ai=no", {}),
    ],
)
def test_content_signal(value: str, said: dict[str, str]) -> None:
    assert readings.signal(value, WORDS.content_signals) == said


@pytest.mark.parametrize(
    ("value", "reserves"),
    [
        ("noai, noimageai", True),
        ("somebot: noai", True),
        ("NOAI", True),
        ("noaixyz", False),
        ("noindex", False),
    ],
)
def test_noai(value: str, reserves: bool) -> None:
    assert bool(readings.noai(value, WORDS)) is reserves


def test_links_with_commas_quotes_and_several_relations() -> None:
    value = (
        '<https://a.example/x,y>; rel="canonical license"; type="application/rsl+xml", </b>;rel=license,'
        ' <c>; title="a, <d>; rel=license"; rel=preload'
    )

    assert readings.licences(value) == [("https://a.example/x,y", "application/rsl+xml"), ("/b", "")]


def test_the_longest_rule_of_tdmrep_counts_and_malformed_ones_say_nothing() -> None:
    rules = readings.tdmrep_rules(
        b'[{"location": "/a", "tdm-reservation": 1, "tdm-policy": "https://x.example/p"},'
        b'{"location": "/a/b", "tdm-reservation": 0}, {"location": "/a/b/c", "tdm-reservation": "1"}, 7]'
    )

    said = [
        (rule.said if (rule := readings.by_longest(rules, path)) else None)
        for path in ("/a", "/a/b", "/a/b/c", "/")
    ]
    assert said == [{"tdm": "reserve"}, {"tdm": "allow"}, {}, None]
    assert rules[0].policy == "https://x.example/p"
    assert readings.tdmrep_rules(b'{"location": "/"}') == readings.tdmrep_rules(b"no") == []


def test_lines_of_robots_txt_with_and_without_a_path() -> None:
    file = parse(
        b"Content-Usage: train-ai=y\nUser-agent: GPTBot\nContent-Usage: train-ai=y\nDisallow: /\n\n"
        b"User-agent: *\n"
        b"Content-Usage: train-ai=n, search=y\nContent-Usage: /press/ train-ai=y\n"
        b"Content-Usage: /press/ search=n\n"
        b"Content-Signal: ai-train=no\nContent-Signal: /x ai-input=no\nAllow: /\n"
    )
    says = readings.robots_signals(file, WORDS)

    assert readings.said_by_lines(says.usage, "/a") == {"training": "reserve", "search": "allow"}
    assert readings.said_by_lines(says.usage, "/press/1") == {"training": "allow", "search": "reserve"}
    assert readings.said_by_lines(says.signal, "/a") == {"training": "reserve"}
    assert readings.said_by_lines(says.signal, "/x1") == {"training": "reserve", "ai_input": "reserve"}


def test_equally_long_lines_combine_restrictively() -> None:
    for lines in ([("", {"training": "allow"}), ("", {"training": "reserve"})],) * 2:
        assert readings.said_by_lines(lines, "/") == {"training": "reserve"}  # type: ignore[arg-type]
        assert readings.said_by_lines(lines[::-1], "/") == {"training": "reserve"}  # type: ignore[arg-type]


def rsl(inside: str, url: str = "/") -> bytes:
    return f'<rsl xmlns="https://rslstandard.org/rsl"><content url="{url}">{inside}</content></rsl>'.encode()


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        (
            '<license><permits type="usage">search</permits>'
            '<prohibits type="usage">ai-train</prohibits></license>',
            {"search": "allow", "training": "reserve", "ai_input": "reserve"},
        ),
        (
            '<license><permits type="usage">all</permits></license>',
            {"search": "allow", "training": "allow", "ai_input": "allow"},
        ),
        (
            '<license><permits type="usage">ai-train</permits><payment type="training"/></license>',
            {"search": "reserve", "training": "reserve", "ai_input": "reserve"},
        ),
        (
            '<license><permits type="usage">ai-all search</permits></license>'
            '<license><prohibits type="usage">ai-input</prohibits></license>',
            {"search": "allow", "training": "allow", "ai_input": "reserve"},
        ),
        (
            '<license><prohibits type="usage">all</prohibits></license>',
            dict.fromkeys(("search", "training", "ai_input"), "reserve"),
        ),
        ('<license><permits type="geo">DE</permits></license>', {}),
        ("", {}),
    ],
)
def test_licences_of_rsl(inside: str, said: dict[str, str]) -> None:
    assert readings.rsl_rules(rsl(inside), WORDS)[0].said == said


def test_an_absolute_url_in_rsl_is_a_path_of_the_site() -> None:
    assert readings.rsl_rules(rsl("", "https://label.example/press/*"), WORDS)[0].pattern.text == "/press/*"


@pytest.mark.parametrize(
    "body",
    [b"", b"<rsl>", b"<rsl/>", b"\xff\xfe", b'<rsl xmlns="https://rslstandard.org/rsl"/>', b"<a>" * 100_000],
)
def test_what_is_no_rsl_is_said_so(body: bytes) -> None:
    with pytest.raises(readings.RslError):
        readings.rsl_rules(body, WORDS)


@pytest.mark.parametrize(
    ("body", "flaws"),
    [
        (b'{"@type":', ["it is no JSON"]),
        (b"3", ["it is no JSON object"]),
    ],
)
def test_policies_that_are_none(body: bytes, flaws: list[str]) -> None:
    assert readings.policy_flaws(body) == flaws


def test_a_policy_with_one_flaw_has_one() -> None:
    import json

    sound = {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"],
        "@type": "Offer", "profile": "http://www.w3.org/ns/tdmrep", "uid": "https://x.example/p",
        "assigner": {"uid": "https://x.example"}, "permission": [{"action": "tdm:mine"}],
    }  # fmt: skip

    assert readings.policy_flaws(json.dumps(sound).encode()) == []
    for key in sound:
        broken = json.dumps({**sound, key: None}).encode()
        assert len(readings.policy_flaws(broken)) == (2 if key == "@context" else 1)
