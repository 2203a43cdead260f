"""A frame of the site's own: what it must hold, where, and that ours holds it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from terms_support import Terms
from vorbehalt.reservation import page
from vorbehalt.reservation.page.template import BLOCKS, DEFAULT, NEEDED, TEXTS, problems

SMALL = "<!doctype html>\n<title>$title</title>\n<main>\n$declaration\n$parts\n$contacts\n</main>\n"
TERMS = Terms("https://label.example", "Label & <Sons>", "mailto:a@label.example")


def test_our_own_frame_is_sound_and_uses_every_placeholder() -> None:
    assert problems(DEFAULT) == []
    assert problems(SMALL) == []
    used = set(re.findall(r"\$([a-z_]+)", DEFAULT))
    assert used | {"operator", "origin"} == set(TEXTS) | set(BLOCKS)


@pytest.mark.parametrize(
    ("change", "by", "found"),
    [
        ("$title", "$titel", [(2, "there is no placeholder $titel; did you mean $title?")]),
        ("$title", "${Title}", [(2, "there is no placeholder $Title; did you mean $title?")]),
        ("$title", "5 $", [(2, "a $ that begins no placeholder is written $$")]),
        ("$title", "a[href$='x']", [(2, "a $ that begins no placeholder is written $$")]),
        ("$title", "5 $$", []),
        ("$title", "$operator $origin", []),
        ("<main>", "<p class=intro>Hello<main>", []),
        ("<main>", '<body class="x" data-of="$operator"><main>', []),
        ("<main>", "<p>Hello</p><br/><main>", []),
        (
            "$parts",
            "\n<p>\n$parts</p>",
            [
                (
                    7,
                    "$parts stands where it cannot: <p> cannot hold it; put it into a <div> or straight into"
                    " <main>",
                )
            ],
        ),
        (
            "<main>",
            '<main title="$legal_basis">',
            [(3, "$legal_basis stands where it cannot: an attribute cannot hold it")],
        ),
        (
            "$title",
            "$allow",
            [(2, "$allow stands where it cannot: nobody sees what stands in <title>")],
        ),
    ],
)
def test_what_is_wrong_with_a_frame_is_said_with_its_line(
    change: str, by: str, found: list[tuple[int, str]]
) -> None:
    assert problems(SMALL.replace(change, by)) == found


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("by", ["", "<!-- ${} -->", "$${}"], ids=["gone", "comment", "escaped"])
def test_what_must_be_said_cannot_get_lost(name: str, by: str) -> None:
    found = problems(SMALL.replace(f"${name}", by.replace("{}", name)))
    assert [sentence.partition(":")[0] for _, sentence in found] == [f"${name} is missing from the text"]


def test_a_frame_is_filled_and_everything_put_in_is_escaped() -> None:
    frame = '<html lang="$language"><title>$page_title</title>' + SMALL + "<p>$operator, $origin, 5 $$</p>"
    terms = replace(TERMS, page_templates=(("de", frame),))
    filled = page.render(terms, "de").decode()
    assert filled.startswith('<html lang="de"><title>Nutzung dieser Website')
    assert "<p>Label &amp; &lt;Sons&gt;, https://label.example, 5 $</p>" in filled
    assert "Was vorbehalten ist und von wem" in filled
    assert "<Sons>" not in filled
    assert page.render(terms, "en") == page.render(TERMS, "en")


def test_a_name_with_a_placeholder_in_it_is_not_filled_in_turn() -> None:
    terms = replace(TERMS, operator="$contacts ${style}", page_templates=(("en", SMALL),))
    assert "<bdi>$contacts ${style}</bdi>" in page.render(terms, "en").decode()


def test_our_frame_may_load_its_own_style_only_and_another_files_of_the_site_but_never_scripts() -> None:
    ours = page.content_security_policy(TERMS, "en")
    assert ours.startswith("default-src 'none';")
    assert "style-src 'sha256-" in ours
    theirs = page.content_security_policy(replace(TERMS, page_templates=(("en", SMALL),)), "en")
    assert "default-src 'self'" in theirs
    assert "script-src 'none'" in theirs
    assert page.content_security_policy(replace(TERMS, page_templates=(("en", SMALL),)), "de") == ours


def test_the_frame_in_the_documents_is_sound_and_every_placeholder_is_explained_there() -> None:
    text = (Path(__file__).parents[3] / "docs" / "policy-page.md").read_text("utf-8")
    (frame,) = re.findall(r"^```html\n(.*?)^```$", text, re.M | re.S)
    assert problems(frame) == []
    assert [name for name in (*TEXTS, *BLOCKS) if f"`${name}`" not in text] == []
