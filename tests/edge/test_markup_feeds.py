"""Marks in feeds: a link to the licence, and with each item what holds at its address."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from asgi_support import ask, protect
from markup_support import OPEN, shows
from vorbehalt import reservation_feed

RSL = "{https://rslstandard.org/rsl}"
ATOM = "{http://www.w3.org/2005/Atom}"

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>News</title><link>https://label.example/</link><description>N</description>
{channel}
<item><title>One</title><link>https://label.example/press/1</link>{item}</item>
</channel></rss>"""
FEED = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x</id><title>News</title><updated>2026-11-01T08:00:00Z</updated>
{channel}
<entry><id>urn:y</id><title>One</title><updated>2026-11-01T08:00:00Z</updated>{item}</entry></feed>"""


def feed(template: str, url: str, media_type: str = "text/html", **sections: Any) -> ElementTree.Element:
    def made(scope: dict[str, Any]) -> str:
        return template.format(channel=reservation_feed(scope), item=reservation_feed(scope, url, media_type))

    got = ask(protect(shows(made), **sections), "/feed.xml")
    return ElementTree.fromstring(got.body)


HOSTILE = {
    "site": {"operator": "A & B <label> \"x\" ]]> 'y'", "contact": "https://label.example/ask?a=1&b=2"},
    "reservation": {"rightsholder": "A & B <label> \"x\" ]]> 'y'"},
}


@pytest.mark.parametrize("sections", [{}, HOSTILE], ids=["plain", "hostile"])
@pytest.mark.parametrize(("template", "within"), [(RSS, "channel"), (FEED, ".")])
def test_a_feed_leads_to_the_licence_and_each_item_carries_its_own(
    template: str, within: str, sections: dict[str, Any]
) -> None:
    root = feed(template, "https://label.example/news/1?a=1&b=2", **sections)

    place = root if within == "." else root.find(within)
    assert place is not None
    (link,) = place.findall(f"{ATOM}link")
    assert link.attrib == {
        "rel": "license",
        "type": "application/rsl+xml",
        "href": "https://label.example/license.xml",
    }
    (item,) = (element for element in place if element.tag in ("item", f"{ATOM}entry"))
    (content,) = item.findall(f"{RSL}content")
    assert content.get("url") == "https://label.example/news/1?a=1&b=2"
    assert [element.text for element in content.iter(f"{RSL}permits")] == ["search"]
    assert [element.text for element in content.iter(f"{RSL}prohibits")] == ["ai-train ai-input"]
    holder = sections.get("reservation", {}).get("rightsholder", "Label Example GmbH")
    assert [element.text for element in content.iter(f"{RSL}copyright")] == [holder]
    assert [element.text for element in content.iter(f"{RSL}terms")] == ["https://label.example/ai-policy"]


def permits(root: ElementTree.Element) -> list[str | None]:
    return [element.text for element in root.iter(f"{RSL}permits")]


def test_an_item_is_told_what_holds_at_its_address_for_its_media_type() -> None:
    sections = [
        {"name": "press", "paths": ["/press/"], **OPEN},
        {"name": "sound", "media": ["audio/*"], **OPEN, "search": "reserve", "rightsholder": "Ann Beispiel"},
    ]
    site: dict[str, Any] = {"reservation": {"section": sections}}

    assert permits(feed(RSS, "https://label.example/press/1", **site)) == ["search ai-train ai-input"]
    assert permits(feed(RSS, "/other/1", **site)) == ["search"]
    sound = feed(RSS, "/other/1.mp3", "audio/mpeg", **site)
    assert permits(sound) == ["ai-train ai-input"]
    assert [element.text for element in sound.iter(f"{RSL}copyright")] == ["Ann Beispiel"]


def test_a_path_becomes_an_address_of_the_site() -> None:
    (content,) = feed(RSS, "/press/1").iter(f"{RSL}content")

    assert content.get("url") == "https://label.example/press/1"


@pytest.mark.parametrize("url", ["https://other.example/1", "//other.example/1", "mailto:a@b.example", "x"])
def test_nothing_is_said_of_the_works_of_others(url: str) -> None:
    assert list(feed(RSS, url).iter(f"{RSL}content")) == []
