"""The words of the drafts are data: a changed file changes every channel, a broken one is named."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import vorbehalt_rules
from terms_support import VOCABULARY, Terms
from vorbehalt.engine import Engine
from vorbehalt.errors import RulesError
from vorbehalt.reservation.bundle import render
from vorbehalt.reservation.vocabulary import DOCUMENT, read_vocabulary
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

SHIPPED = vorbehalt_rules.documents()[DOCUMENT].decode()


def read(text: str) -> object:
    return read_vocabulary({DOCUMENT: text.encode()})


def test_another_spelling_reaches_every_channel_that_used_the_old_one() -> None:
    text = SHIPPED.replace('training = "train-ai"', 'training = "train-genai"')
    text = text.replace('training = "ai-train"', 'training = "ai-teach"')
    text = text.replace('["noai", "noimageai"]', '["noteach"]')
    words = read_vocabulary({DOCUMENT: text.encode()})

    bundle = render(Terms("https://label.example", vocabulary=words), None, ("GPTBot",))

    robots = bundle.documents["/robots.txt"].body.decode()
    assert "Content-Usage: train-genai=n, ai-use=n, search=y" in robots
    assert "Content-Signal: search=yes, ai-input=no, ai-teach=no" in robots
    assert "ai-train=" not in robots
    headers = dict(bundle.sections[""].headers)
    assert headers[b"content-usage"] == b"train-genai=n, ai-use=n, search=y"
    assert headers[b"x-robots-tag"] == b"noteach"
    licence = bundle.documents["/license.xml"].body
    assert b'<prohibits type="usage">ai-teach ai-input</prohibits>' in licence


def test_a_shared_training_token_joins_the_refused_crawlers_once_it_is_known(tmp_path: Path) -> None:
    (tmp_path / DOCUMENT).write_text(SHIPPED.replace("tokens = []", 'tokens = ["no-ai-training"]'))

    def robots(training: str) -> list[str]:
        config = {
            "format": 1,
            "site": {"origin": "https://label.example"},
            "reservation": {"training": training},
            "rules": {"path": str(tmp_path)},
        }
        plan = Engine(load(config, environ={}), MemoryLimits()).default
        return plan.bundle.documents["/robots.txt"].body.decode().splitlines()

    group = robots("reserve")
    at = group.index("User-agent: no-ai-training")
    assert group[group.index("Disallow: /") - 1].startswith("User-agent: ")
    assert at < group.index("Disallow: /") < group.index("User-agent: *")
    assert "User-agent: no-ai-training" not in robots("allow")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("format = 1", "format = 2", "this version reads format = 1"),
        ('training = "train-ai"', 'training = "TRAIN"', "[aipref.labels] training must be one word"),
        ('training = "train-ai"', 'training = "search"', "has one word for two uses"),
        ('ai_input = "ai-use"', 'ai_use = "ai-use"', "must name search, training, ai_input and nothing else"),
        ('field = "Content-Usage"', 'field = "Content Usage"', "[aipref] field must be one word"),
        ("tokens = []", 'tokens = ["a b"]', "[shared_training] tokens must be a list of words"),
        ('training = ["noai", "noimageai"]', "training = 7", "[robots_tag] training must be a list of words"),
        ("[shared_training]", "[shared]", "[shared_training] is missing"),
        ('all = "all"', "", "[rsl] all must be one word"),
        ("comment = [", 'comment = ["a\\nb", ', "[content_signals] comment must be a list of lines"),
        ("format = 1", "format = ", "Invalid value"),
    ],
)
def test_a_mistake_in_the_rules_is_named_with_its_place(old: str, new: str, says: str) -> None:
    assert old in SHIPPED
    with pytest.raises(RulesError, match=r"^vocabularies\.toml: ") as caught:
        read(SHIPPED.replace(old, new, 1))
    assert says in str(caught.value)


def test_rules_without_vocabularies_are_no_rules() -> None:
    with pytest.raises(RulesError, match=r"vocabularies\.toml is missing"):
        read_vocabulary({})


def test_every_draft_is_named_with_its_source_and_date() -> None:
    tables = {name: table for name, table in tomllib.loads(SHIPPED).items() if isinstance(table, dict)}
    assert set(tables) == {"aipref", "content_signals", "rsl", "robots_tag", "shared_training"}
    for table in tables.values():
        assert table["draft"]
        assert table["source"].startswith("https://")
        assert table["date"].year == 2026


def test_the_shipped_words_are_those_of_the_published_drafts() -> None:
    assert dict(VOCABULARY.aipref.labels) == {
        "training": "train-ai",
        "ai_input": "ai-use",
        "search": "search",
    }
    assert (VOCABULARY.aipref.allowed, VOCABULARY.aipref.reserved) == ("y", "n")
    assert (VOCABULARY.content_signals.allowed, VOCABULARY.content_signals.reserved) == ("yes", "no")
    assert set(VOCABULARY.rsl.values()) == {"search", "ai-train", "ai-input"}
    assert VOCABULARY.shared_training == ()
