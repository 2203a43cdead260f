"""Rules documents to a registry: strict, all mistakes at once, one digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from vorbehalt.errors import RulesError
from vorbehalt.facts import Purpose
from vorbehalt.identify.registry import Crawler, Means, Party, Registry, Source

HEAD = """
format = 1
[operator]
id = "example-ai"
name = "Example AI"
homepage = "https://example.ai"
[[source]]
id = "docs"
url = "https://example.ai/bots"
date = 2026-11-22
"""
CRAWLER = """
[[crawler]]
token = "ExampleBot"
kind = "crawler"
purpose = "training"
purpose_basis = "operator"
sources = ["docs"]
"""
FULL = """
[[crawler]]
token = "Example Fetcher"
kind = "crawler"
purpose = "dataset"
purpose_basis = "third-party"
purpose_note = "It sells what it collects."
form = "product"
case = "sensitive"
aliases = ["ExFetch"]
robots = ["ExampleFetcher"]
control = false
respects_robots = "claimed"
legal_deposit = true
documentation = "https://example.ai/fetch"
sources = ["docs"]
must_match = ["Example Fetcher/1.0"]
must_not_match = ["ExFetchers"]
  [[crawler.verify]]
  method = "ranges"
  list = "example-ai"
  [[crawler.verify]]
  method = "rdns"
  suffixes = [".crawl.example.ai"]
  [[crawler.verify]]
  method = "signature"
  directory = "https://example.ai"
  [[crawler.verify]]
  method = "as"
  list = "example-as1"
"""


def documents(body: str, name: str = "operators/example-ai.toml", **more: str) -> dict[str, bytes]:
    return {name: body.encode(), **{key: value.encode() for key, value in more.items()}}


def test_every_field_is_read() -> None:
    registry = Registry.from_documents(documents(HEAD + FULL), "2026.11.23")
    party = Party("example-ai", "Example AI", True, "https://example.ai")
    assert registry.version == "2026.11.23"
    assert registry.parties == {"example-ai": party}
    assert registry.crawlers == (
        Crawler(
            token="Example Fetcher",
            party=party,
            kind="crawler",
            purpose=Purpose.DATASET,
            purpose_basis="third-party",
            form="product",
            case_sensitive=True,
            aliases=("ExFetch",),
            robots_tokens=("ExampleFetcher",),
            is_control=False,
            verify=(
                Means("ranges", list="example-ai"),
                Means("rdns", suffixes=(".crawl.example.ai",)),
                Means("signature", directory="https://example.ai"),
                Means("as", list="example-as1"),
            ),
            purpose_note="It sells what it collects.",
            documentation="https://example.ai/fetch",
            respects_robots="claimed",
            legal_deposit=True,
            sources=(Source("docs", "https://example.ai/bots", date(2026, 11, 22)),),
            must_match=("Example Fetcher/1.0",),
            must_not_match=("ExFetchers",),
        ),
    )


def test_what_is_left_out_has_a_default() -> None:
    (crawler,) = Registry.from_documents(documents(HEAD + CRAWLER), "v").crawlers
    assert (crawler.form, crawler.case_sensitive, crawler.respects_robots) == ("word", False, "unknown")
    assert (crawler.is_control, crawler.legal_deposit, crawler.robots_tokens) == (False, False, ())


def test_a_maker_is_no_operator() -> None:
    (crawler,) = Registry.from_documents(
        documents((HEAD + CRAWLER).replace("[operator]", "[maker]")), "v"
    ).crawlers
    assert crawler.operator is None
    assert crawler.party.name == "Example AI"


def test_a_control_token_is_its_own_robots_token() -> None:
    (crawler,) = Registry.from_documents(documents(HEAD + CRAWLER + "control = true"), "v").crawlers
    assert crawler.robots_tokens == ("ExampleBot",)


def test_rejected_tokens_keep_their_reason() -> None:
    rejected = 'format = 1\n[[rejected]]\ntoken = "Code"\nreason = "A bare word."\n'
    registry = Registry.from_documents({"rejected.toml": rejected.encode()}, "v")
    assert registry.rejected == {"Code": "A bare word."}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("format = 1", "format = 2"), "format must be 1"),
        (("format = 1", "format = true"), "format must be 1"),
        (("format = 1", ""), "format must be 1"),
        (("format = 1", "format = "), "not readable as TOML"),
        (("[operator]", "[publisher]"), "unknown key publisher"),
        (("[operator]", "[publisher]"), "exactly one of [operator] and [maker]"),
        (('id = "example-ai"', 'id = "other"'), "id must be the file name, 'example-ai'"),
        (('name = "Example AI"', ""), "[operator]: name is missing"),
        (('name = "Example AI"', 'name = " "'), "[operator]: name is empty"),
        (('homepage = "', 'home = "'), "[operator]: unknown key home"),
        (("date = 2026-11-22", 'date = "2026-11-22"'), "date must be a date"),
        (("date = 2026-11-22", "date = 2026-11-22T10:00:00Z"), "date must be a date"),
        (("[[source]]", "[source]"), "source must be written as [[source]]"),
        (("[[crawler]]", "[[crawlers]]"), "unknown key crawlers"),
        (("[[crawler]]", "[[crawlers]]"), "no [[crawler]]"),
        (('token = "ExampleBot"', ""), "crawler without a token: token is missing"),
        (('token = "ExampleBot"', "token = 7"), "7: token must be a string, not 7"),
        (('"ExampleBot"', '" ExampleBot"'), "must be printable ASCII without spaces at its ends"),
        (('"ExampleBot"', '"Ex\\u0000Bot"'), "must be printable ASCII"),
        (('"ExampleBot"', '"Exämple"'), "must be printable ASCII"),
        (('"ExampleBot"', '"-_!"'), "must be printable ASCII"),
        (
            ('kind = "crawler"', 'kind = "bot"'),
            "ExampleBot: kind must be one of crawler tool headless, not 'bot'",
        ),
        (('kind = "crawler"', ""), "ExampleBot: kind is missing"),
        (('"training"', '"learning"'), "ExampleBot: purpose must be one of training dataset search"),
        (('"training"', '"dataset"'), "ExampleBot: purpose dataset needs a purpose_note"),
        (('purpose_basis = "operator"', ""), "ExampleBot: purpose_basis is missing"),
        (('sources = ["docs"]', ""), "ExampleBot: sources is missing"),
        (('sources = ["docs"]', 'sources = ["page"]'), "ExampleBot: source 'page' is not in this file"),
        (('sources = ["docs"]', 'sources = "docs"'), "ExampleBot: sources must be a list"),
        (('sources = ["docs"]', 'sources = ["docs"]\ncolour = "red"'), "ExampleBot: unknown key colour"),
        (
            ('sources = ["docs"]', 'sources = ["docs"]\nform = "regex"'),
            "ExampleBot: form must be one of word",
        ),
        (('sources = ["docs"]', 'sources = ["docs"]\ncase = "upper"'), "ExampleBot: case must be one of"),
        (('sources = ["docs"]', 'sources = ["docs"]\ncontrol = 1'), "ExampleBot: control must be a boolean"),
        (
            ('sources = ["docs"]', 'sources = ["docs"]\nmust_match = [""]'),
            "ExampleBot: must_match must be a list",
        ),
        (('sources = ["docs"]', 'sources = ["docs"]\naliases = ["examplebot"]'), "is already taken by"),
    ],
)
def test_a_mistake_is_named_with_file_and_token(change: tuple[str, str], message: str) -> None:
    body = HEAD + CRAWLER
    assert change[0] in body
    with pytest.raises(RulesError) as caught:
        Registry.from_documents(documents(body.replace(*change)), "v")
    assert message in str(caught.value)
    assert all(line.startswith("operators/example-ai.toml: ") for line in str(caught.value).splitlines())


@pytest.mark.parametrize(
    ("means", "message"),
    [
        ('method = "dns"', "method must be one of ranges as rdns signature"),
        ('method = "ranges"', "list is missing"),
        ('method = "ranges"\nlist = "x"\nsuffixes = [".x"]', "unknown key suffixes"),
        ('method = "rdns"', "suffixes must be a list of names, each with a leading dot"),
        (
            'method = "rdns"\nsuffixes = ["example.ai"]',
            "suffixes must be a list of names, each with a leading dot",
        ),
        ('method = "signature"\ndirectory = "http://example.ai"', "directory must be an https origin"),
        ('method = "as"', "list is missing"),
    ],
)
def test_a_wrong_means_of_verification_is_named(means: str, message: str) -> None:
    body = f"{HEAD}{CRAWLER}\n[[crawler.verify]]\n{means}\n"
    with pytest.raises(RulesError) as caught:
        Registry.from_documents(documents(body), "v")
    assert f"operators/example-ai.toml: ExampleBot: {message}" in str(caught.value)


def test_all_mistakes_of_all_files_come_at_once() -> None:
    broken = (HEAD + CRAWLER).replace('"training"', '"x"').replace('kind = "crawler"', 'kind = "y"')
    with pytest.raises(RulesError) as caught:
        Registry.from_documents(
            {
                "operators/example-ai.toml": broken.encode(),
                "operators/latin.toml": b"name = '\xff'",
                "rejected.toml": b"format = 1\n[[rejected]]\ntoken = 'Code'\n",
            },
            "v",
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert [line.partition(":")[0] for line in lines] == [
        "operators/example-ai.toml",
        "operators/example-ai.toml",
        "operators/latin.toml",
        "rejected.toml",
    ]
    assert lines[3].endswith("Code: reason is missing")


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        (("SomeBot", "insensitive"), ("somebot", "insensitive"), True),
        (("SomeBot", "sensitive"), ("somebot", "insensitive"), True),
        (("SomeBot", "insensitive"), ("somebot", "sensitive"), True),
        (("SomeBot", "sensitive"), ("SomeBot", "sensitive"), True),
        (("SomeBot", "sensitive"), ("Somebot", "sensitive"), False),
        (("SomeBot", "insensitive"), ("OtherBot", "insensitive"), False),
    ],
)
def test_a_spelling_belongs_to_one_crawler(
    first: tuple[str, str], second: tuple[str, str], is_refused: bool
) -> None:
    rows = "".join(
        CRAWLER.replace("ExampleBot", token) + f'case = "{case}"\n' for token, case in (first, second)
    )
    if is_refused:
        with pytest.raises(RulesError, match="is already taken by"):
            Registry.from_documents(documents(HEAD + rows), "v")
    else:
        assert len(Registry.from_documents(documents(HEAD + rows), "v").crawlers) == 2


def test_the_digest_covers_every_document_and_its_name() -> None:
    def digest(more: Mapping[str, bytes]) -> str:
        return Registry.from_documents({**documents(HEAD + CRAWLER), **more}, "v").digest

    assert digest({"a": b"bc", "d": b""}) == digest({"d": b"", "a": b"bc"})
    variants = [
        {},
        {"a": b""},
        {"a": b"b"},
        {"ab": b""},
        {"b": b"a"},
        {"a": b"", "b": b""},
        {"a": b"b\0"},
        {"presets/x.toml": b"?"},
    ]
    assert len({digest(variant) for variant in variants}) == len(variants)
    assert len(digest({})) == 64


def test_a_crawler_is_found_by_token_or_alias() -> None:
    registry = Registry.from_documents(documents(HEAD + CRAWLER + FULL), "v")
    assert [found and found.token for found in map(registry.find, ("examplebot", "EXFETCH", "nobody"))] == [
        "ExampleBot",
        "Example Fetcher",
        None,
    ]


def test_an_exact_spelling_is_found_first(small: Registry) -> None:
    assert [found and found.token for found in map(small.find, ("ExaBot", "Exabot"))] == ["ExaBot", "Exabot"]


def test_robots_tokens_are_those_of_the_purposes_and_unique() -> None:
    party = Party("x", "X", True)

    def crawler(token: str, purpose: Purpose, *robots: str, control: bool = False) -> Crawler:
        return Crawler(token, party, "crawler", purpose, "operator", robots_tokens=robots, is_control=control)

    registry = Registry(
        "v",
        "d",
        (
            crawler("a", Purpose.TRAINING, "Zebra", "apple"),
            crawler("b", Purpose.TRAINING, "Apple", "Searcher"),
            crawler("c", Purpose.TRAINING, "Switch", control=True),
            crawler("d", Purpose.SEARCH_ENGINE, "searcher"),
            crawler("e", Purpose.FEED, "feeder"),
        ),
        {"x": party},
    )
    assert registry.robots_tokens(frozenset({Purpose.TRAINING})) == ("Apple", "Switch", "Zebra")
    assert registry.robots_tokens(frozenset({Purpose.FEED})) == ("feeder",)
    assert registry.robots_tokens(frozenset()) == ()
    both = frozenset({Purpose.TRAINING, Purpose.SEARCH_ENGINE})
    assert registry.robots_tokens(both) == ("Apple", "Searcher", "Switch", "Zebra")
