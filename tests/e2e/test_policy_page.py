"""The page for people in a real browser: accessible, readable on a phone and on paper."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from terms_support import Terms
from vorbehalt.reservation import page
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

pytestmark = [pytest.mark.real("chromium"), pytest.mark.timeout(300)]

AXE = Path(__file__).parents[2] / ".cache" / "node_modules" / "axe-core" / "axe.min.js"
OPEN = Uses("allow", "allow", "allow", "allow")
LABEL = Terms(
    "https://label.example",
    "Label Example GmbH",
    "mailto:licensing@label.example",
    rightsholder="Label Example GmbH",
)
LONG = "Donaudampfschifffahrtsgesellschaft" * 20
TERMS = {
    "all-reserved": Terms(LABEL.origin, LABEL.operator, LABEL.contact, uses=Uses(search="reserve")),
    "search-allowed": LABEL,
    "press-open": Terms(
        LABEL.origin, LABEL.operator, LABEL.contact, sections=(Section("press", ("/press/",), OPEN),)
    ),
    "licensee": Terms(
        LABEL.origin,
        "Agentur Beispiel",
        "mailto:rechte@label.example",
        capacity="licensee",
        on_behalf_of=("Ann Beispiel", "فرقة الموسيقى", "Ben Muster"),
        licence_contact="https://label.example/" + "a-long-address-" * 12,
        may_license=True,
        policy_url="https://label.example/terms",
    ),
    "audio-files": Terms(
        LABEL.origin,
        LABEL.operator,
        LABEL.contact,
        sections=(
            Section("audio", ("/",), Uses("reserve"), ("audio/*", "application/ogg")),
            Section("album", ("/album/",), Uses(), (), ("isrc:DEUM72600001", "isrc:DEUM72600002"), "Ann"),
            Section("single", ("/single/",), Uses(), (), ("isrc:DEUM72600003",), "فرقة الموسيقى"),
        ),
    ),
    "forty-parts": Terms(
        LABEL.origin,
        LONG,
        f"mailto:{LONG}@label.example",
        uses=Uses(training="allow"),
        sections=tuple(
            Section(f"part-{n}", (f"/part-{n}/", f"/{LONG}/{n}/*.mp3$"), (OPEN, Uses(), LABEL.uses)[n % 3])
            for n in range(40)
        ),
    ),
    "nothing-reserved": Terms(LABEL.origin, LABEL.operator, LABEL.contact, uses=OPEN),
}
VARIANTS = [
    pytest.param(name, language, id=f"{name}-{language}") for name in TERMS for language in page.LANGUAGES
]
Browser = Callable[..., str]

RUN_AXE = """
axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
  .then(found => ({
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    background: getComputedStyle(document.body).backgroundColor,
    passed: found.passes.map(rule => rule.id),
    unsure: found.incomplete.map(rule => rule.id),
    violations: found.violations.map(rule => [rule.id, rule.nodes.map(node => node.html)])
  }), error => ({error: String(error)}))
  .then(said => document.body.setAttribute("data-said", JSON.stringify(said)));
"""


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """Runs Chromium on a page as a file; returns what it prints."""

    def run(text: str, *options: str) -> str:
        file = tmp_path / "page.html"
        file.write_text(text, "utf-8")
        done = subprocess.run(
            [
                "chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                f"--user-data-dir={tmp_path / 'profile'}",
                *options,
                file.as_uri(),
            ],
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")[-2000:]
        return done.stdout.decode("utf-8")

    return run


def said_by(dom: str) -> Any:
    """What a script left in `data-said` of the body."""
    found = re.search(r'data-said="([^"]*)"', dom)
    assert found, "the script said nothing"
    return json.loads(html.unescape(found[1]))


def look(browser: Browser, text: str, *, dark: bool = False) -> Any:
    """What axe finds."""
    script = f"<script>{AXE.read_text('utf-8')}</script><script>{RUN_AXE}</script></body>"
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    said = said_by(
        browser(text.replace("</body>", script), scheme, "--virtual-time-budget=20000", "--dump-dom")
    )
    assert "error" not in said, said
    assert said["dark"] == dark
    return said


def rendered(name: str, language: str) -> str:
    return page.render(TERMS[name], language).decode()


@pytest.mark.real("axe-core")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("name", "language"), VARIANTS)
def test_axe_finds_nothing(name: str, language: str, dark: bool, browser: Browser) -> None:
    said = look(browser, rendered(name, language), dark=dark)
    assert said["violations"] == []
    assert said["unsure"] == []
    # These rules looked at something: an empty page would pass, too.
    assert {
        "color-contrast",
        "heading-order",
        "html-lang-valid",
        "landmark-one-main",
        "link-name",
        "region",
        "scope-attr-valid",
        "target-size",
        "valid-lang",
    } - set(said["passed"]) == set()
    assert said["background"] == ("rgb(23, 25, 28)" if dark else "rgb(255, 255, 255)")


@pytest.mark.real("axe-core")
@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('<html lang="en">', "<html>", "html-has-lang"),
        ("<main>", '<main><img src="data:,">', "image-alt"),
        ("--faint:#4d4d4d", "--faint:#bbb", "color-contrast"),
        ("<h1>", "<h4>", "page-has-heading-one"),
        (
            "nav span{font-weight:600}",
            "nav ul{display:block!important}nav li{margin:0;height:7px}"
            "nav a{padding:0;font-size:6px;height:7px}",
            "target-size",
        ),
    ],
)
def test_axe_finds_what_is_wrong(old: str, new: str, rule: str, browser: Browser) -> None:
    text = rendered("search-allowed", "en")
    assert old in text
    said = look(browser, text.replace(old, new).replace("</h1>", "</h4>" if new == "<h4>" else "</h1>"))
    assert rule in {found for found, _ in said["violations"]}


MEASURE = """
const page = document.querySelector("iframe").contentDocument.documentElement;
document.body.setAttribute("data-said", page.scrollWidth);
"""


def width_of(browser: Browser, text: str, pixels: int) -> int:
    """How wide the content of a window is, in pixels; the window is a frame: browsers have a least width."""
    frame = f'<iframe style="border:0;width:{pixels}px;height:700px" srcdoc="{html.escape(text)}"></iframe>'
    script = f"<script>window.onload = () => {{{MEASURE}}}</script>"
    dom = browser(f"<!doctype html><body>{script}{frame}</body>", "--virtual-time-budget=5000", "--dump-dom")
    return int(said_by(dom))


@pytest.mark.parametrize(("name", "language"), VARIANTS)
def test_a_narrow_phone_needs_no_scrolling_sideways(name: str, language: str, browser: Browser) -> None:
    assert width_of(browser, rendered(name, language), 320) == 320


def test_a_page_that_is_too_wide_is_noticed(browser: Browser) -> None:
    text = rendered("search-allowed", "de").replace("<main>", '<main><div style="width:330px">x</div>')
    assert width_of(browser, text, 320) > 320


def plain(text: str) -> str:
    """Text without what a line break on paper adds or takes."""
    return re.sub(r"[\s\u00ad\u200e\u200f\u202a-\u202e\u2066-\u2069-]", "", text)


@pytest.mark.real("pdftotext")
@pytest.mark.parametrize(("name", "language"), VARIANTS)
def test_on_paper_stands_all_of_it_with_the_addresses_of_links(
    name: str, language: str, browser: Browser, tmp_path: Path
) -> None:
    text = rendered(name, language)
    paper = tmp_path / "page.pdf"
    browser(
        text.replace("<style>", "<style>@page{size:A4}"), "--no-pdf-header-footer", f"--print-to-pdf={paper}"
    )
    info = subprocess.run(["pdfinfo", paper], capture_output=True, text=True, check=True).stdout
    read = subprocess.run(
        ["pdftotext", "-raw", paper, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "A4" in info
    on_paper = plain(read)
    main = text[text.index("<main>") : text.index("</body>")]
    pieces = [html.unescape(piece) for piece in re.findall(r">([^<>]+)<", main)]
    right_to_left = re.compile(r"[\u0590-\u06ff]")
    lost = [p for p in pieces if plain(p) not in on_paper and not right_to_left.search(p)]
    assert lost == []
    for target in re.findall(r'<a href="([^"]+)"', main):
        target = html.unescape(target).removeprefix("mailto:")
        address = TERMS[name].origin + target if target.startswith("/") else target
        assert plain(address) in on_paper
    # Links to other languages are of no use there.
    assert plain("Français") not in on_paper
