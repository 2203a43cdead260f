"""Which addresses of a site are asked for: few, from many places, never what may do something."""

from __future__ import annotations

from vorbehalt.probe.choose import choose, deepest_pages, folder
from vorbehalt.probe.exchange import Kind

BASE = "http://label.example"


def chosen(*links: tuple[str, Kind], taken: tuple[tuple[str, Kind], ...] = ()) -> list[str]:
    given = [(BASE + path, kind) for path, kind in links]
    found = choose(given, BASE, lambda url: "/closed/" not in url, taken)
    return [url.removeprefix(BASE) for url, _ in found]


def test_other_folders_and_endings_come_before_more_of_the_same() -> None:
    images: list[tuple[str, Kind]] = [(f"/a/{number}.png", "image") for number in range(9)]

    assert chosen(*images) == ["/a/0.png", "/a/1.png"]
    assert chosen(*images, ("/a/x.svg", "image"), ("/b/y.png", "image")) == [
        "/a/0.png",
        "/a/x.svg",
        "/b/y.png",
    ]


def test_what_was_asked_counts() -> None:
    taken: tuple[tuple[str, Kind], ...] = ((f"{BASE}/feed.xml", "feed"),)

    assert chosen(("/feed.xml", "feed"), ("/other.xml", "feed"), taken=taken) == []


def test_pages_with_a_query_the_start_and_what_is_closed_are_left_alone() -> None:
    links: list[tuple[str, Kind]] = [
        ("/logout?now=1", "page"), ("/", "page"), ("/closed/1", "page"), ("/s.css?v=2", "style"),
        ("/x", "other"),
    ]  # fmt: skip

    assert chosen(*links) == ["/s.css?v=2"]


def test_other_hosts_are_left_alone() -> None:
    links: list[tuple[str, Kind]] = [
        ("https://label.example/a", "page"),
        ("http://label.example:81/a", "page"),
    ]

    assert choose(links, BASE, lambda url: True) == []


def test_the_deepest_pages_come_first() -> None:
    links: dict[str, Kind] = {f"{BASE}/a": "page", f"{BASE}/a/b/c": "page", f"{BASE}/a/b": "page"}

    assert deepest_pages(links, BASE, [f"{BASE}/a/b"]) == [f"{BASE}/a/b/c", f"{BASE}/a"]
    assert folder("/a/b.png?x=/y") == "/a/"
