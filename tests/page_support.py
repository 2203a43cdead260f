"""The page for people as a browser reads it, and terms that give it all its shapes."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import Element

import html5lib

from terms_support import Terms
from vorbehalt.reservation import page
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")
OPEN = Uses("allow", "allow", "allow", "allow")
EVERYTHING = Uses(search="reserve")
PRESS = Section("press", ("/press/", "/presse/"), OPEN)
HOSTILE = '"></bdi><script>alert(1)</script>\x00\x1b[2J\n\u202eevil'


class Page:
    """A page as a browser reads it; parsing is strict, so anything that is no HTML raises."""

    def __init__(self, terms: Terms, language: str = "en", *, is_static: bool = False) -> None:
        self.text_of_file = page.render(terms, language, is_static=is_static).decode()
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        self.root: Element = parser.parse(self.text_of_file)

    def all(self, tag: str) -> list[Element]:
        return list(self.root.iter(tag))

    @property
    def text(self) -> str:
        return text_of(self.all("body")[0])

    @property
    def links(self) -> list[str]:
        return [link.get("href", "") for link in self.all("a")]

    def part(self, name: str) -> str:
        (found,) = [section for section in self.all("section") if section.get("data-part") == name]
        return text_of(found)

    def tables(self) -> list[list[tuple[str, str]]]:
        return [
            [(text_of(row[0]), text_of(row[1])) for row in table.iter("tr")][1:]
            for table in self.all("table")
        ]


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).replace("\u00ad", "").replace("\u00a0", " ").split())


VARIETY = {
    "default": TERMS,
    "everything": replace(TERMS, uses=EVERYTHING),
    "nothing": replace(TERMS, uses=OPEN),
    "press": replace(TERMS, sections=(PRESS,)),
    "parts-only": replace(TERMS, uses=OPEN, sections=(Section("lyrics", ("/lyrics/",), Uses()),)),
    "licensee": replace(
        TERMS,
        capacity="licensee",
        on_behalf_of=("Ann Beispiel", "فرقة الموسيقى", "Ben Muster"),
        licence_contact="https://label.example/licence",
        may_license=True,
        policy_url="https://label.example/terms",
    ),
    "nobody-named": Terms("https://label.example"),
    "hostile": Terms(
        "https://label.example",
        HOSTILE,
        f"https://x.example/{HOSTILE}",
        rightsholder=HOSTILE,
        policy_url=HOSTILE,
        capacity="licensee",
        on_behalf_of=(HOSTILE,),
        sections=(Section(HOSTILE, ("/" + HOSTILE,), Uses()),),
    ),
    "media": replace(
        TERMS,
        sections=(
            Section(
                "streams",
                ("/listen/",),
                EVERYTHING,
                ("audio/*", "video/*", "application/ogg"),
                ("isrc:DEUM72600001", "own-7"),
                "Ann Beispiel",
            ),
        ),
    ),
    "many": replace(
        TERMS,
        sections=tuple(Section(f"part-{n}", (f"/part-{n}/",), (OPEN, EVERYTHING)[n % 2]) for n in range(200)),
    ),
}
