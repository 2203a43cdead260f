"""The pages of the demo label as text. Pure."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from vorbehalt.demo.catalogue import ARTISTS, LABEL, MOTTO, PLACE, PRESS, SONGS, Artist, Song

MARKS = "<!-- marks -->"
"""Stands in the head of every page, where a template would call `reservation_meta`."""

CSS = """\
:root{color-scheme:light dark;--ink:#22201c;--soft:#6a655c;--page:#f7f4ec;--card:#fffdf8;--line:#ded7c8;
--mark:#a8431f}
@media(prefers-color-scheme:dark){:root{--ink:#edeae2;--soft:#a8a195;--page:#181613;--card:#221f1b;--line:#3b362e;
--mark:#e98a5f}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:17px/1.6 Georgia,"Iowan Old Style",serif}
a{color:var(--mark);text-underline-offset:3px}
a:focus-visible{outline:3px solid var(--mark);outline-offset:3px}
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:12px;background:var(--card);padding:8px 14px}
.wide{max-width:940px;margin:0 auto;padding:0 22px}
header{border-bottom:1px solid var(--line);padding:26px 0 18px}
header p{margin:0;font-size:1.55rem;letter-spacing:-.01em}header p a{color:inherit;text-decoration:none}
nav ul{display:flex;flex-wrap:wrap;gap:6px 22px;list-style:none;padding:0;margin:10px 0 0}
h1{font-size:2.1rem;line-height:1.2;margin:38px 0 8px}h2{font-size:1.3rem;margin:34px 0 8px}
.soft{color:var(--soft)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:26px;list-style:none;padding:0;
margin:26px 0}
.grid img{width:100%;height:auto;display:block;border-radius:6px;margin-bottom:8px}
.song{display:grid;grid-template-columns:minmax(200px,320px) 1fr;gap:34px;align-items:start}
.song img{width:100%;height:auto;border-radius:6px}
@media(max-width:640px){.song{grid-template-columns:1fr}}
.lyrics{white-space:pre-wrap;font-size:1.1rem;line-height:1.75}
audio{width:100%;margin:12px 0}
footer{border-top:1px solid var(--line);margin-top:60px;padding:20px 0 50px;font-size:.92rem}
"""


def page(title: str, body: str, *, language: str = "en", description: str = "") -> str:
    """Return a whole page around its main part (ready HTML), with a place for marks in its head."""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f'<meta name="description" content="{escape(description or MOTTO)}">\n'
        '<link rel="stylesheet" href="/style.css">\n<link rel="icon" href="/favicon.svg">\n'
        f'<link rel="alternate" type="application/atom+xml" title="{escape(LABEL)}" href="/feed.xml">\n'
        f"{MARKS}</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to content</a>\n<header><div class="wide">\n'
        f'<p><a href="/">{escape(LABEL)}</a></p>\n<nav aria-label="Main"><ul>\n'
        '<li><a href="/artists/">Artists</a></li>\n<li><a href="/songs/">Songs</a></li>\n'
        '<li><a href="/press/">Press</a></li>\n<li><a href="/feed.xml">Feed</a></li>\n'
        f'</ul></nav>\n</div></header>\n<main id="main" class="wide">\n{body}</main>\n'
        f'<footer><div class="wide"><p class="soft">{escape(PLACE)}</p>\n'
        '<p><a href="/ai-policy">Terms for machines</a></p>\n</div></footer>\n</body>\n</html>\n'
    )


def home() -> str:
    """Return the front page."""
    return page(
        LABEL, f'<h1>{escape(MOTTO)}</h1>\n<p class="soft">Out now on {escape(LABEL)}.</p>\n{_covers(SONGS)}'
    )


def songs() -> str:
    """Return the list of songs."""
    return page(f"Songs · {LABEL}", f"<h1>Songs</h1>\n{_covers(SONGS)}")


def artists() -> str:
    """Return the list of artists."""
    items = "".join(
        f'<h2><a href="/artists/{who.slug}">{escape(who.name)}</a></h2>\n<p>{escape(who.about)}</p>\n'
        for who in ARTISTS
    )
    return page(f"Artists · {LABEL}", f"<h1>Artists</h1>\n{items}")


def artist(who: Artist) -> str:
    """Return one artist with the songs."""
    own = tuple(song for song in SONGS if song.artist is who)
    body = f"<h1>{escape(who.name)}</h1>\n<p>{escape(who.about)}</p>\n{_covers(own)}"
    return page(f"{who.name} · {LABEL}", body, description=who.about)


def song(one: Song) -> str:
    """Return one song: cover, sound and facts."""
    body = (
        f'<h1>{escape(one.title)}</h1>\n<div class="song">\n'
        f'<img src="/covers/{one.number}.png" width="320" height="320" alt="Cover: {escape(one.title)}">\n'
        f'<div><p>by <a href="/artists/{one.artist.slug}">{escape(one.artist.name)}</a>, {one.year}</p>\n'
        f'<audio controls preload="metadata" src="/audio/{one.number}.wav"></audio>\n'
        f'<p><a href="/lyrics/{one.number}">Lyrics</a></p>\n<p class="soft">ISRC {one.isrc}</p></div>'
        "\n</div>\n"
    )
    return page(f"{one.title} · {one.artist.name}", body)


def lyrics(one: Song) -> str:
    """Return the words of one song in its own language."""
    body = (
        f'<h1>{escape(one.title)}</h1>\n<p class="soft">Words and music: {escape(one.artist.name)}, '
        f"{one.year}</p>\n"
        f'<p class="lyrics">{escape(one.lyrics)}</p>\n<p><a href="/songs/{one.number}">Cover and '
        "sound</a></p>\n"
    )
    return page(f"{one.title}: lyrics · {one.artist.name}", body, language=one.language)


def press() -> str:
    """Return the press section."""
    items = "".join(
        f'<article><h2>{escape(title)}</h2>\n<p class="soft"><time datetime="{day}">{day}</time></p>\n'
        f"<p>{escape(text)}</p></article>\n"
        for day, title, text in PRESS
    )
    return page(f"Press · {LABEL}", f"<h1>Press</h1>\n{items}")


def missing(path: str) -> str:
    """Return the page for an address that leads nowhere."""
    return page(
        f"Not here · {LABEL}",
        f"<h1>There is no such track</h1>\n<p>Nothing lives at <code>{escape(path[:120])}</code>. "
        'The <a href="/songs/">songs</a> are all over there.</p>\n',
    )


def feed(origin: str, mark: Callable[[str], str]) -> str:
    """Return the news as an Atom feed (RFC 4287). `mark` gives what is told of an address; "": the feed."""
    entries = "".join(
        f"<entry><id>{origin}/press/#{day}</id><title>{escape(title)}</title><updated>"
        f"{day}T08:00:00Z</updated>"
        f'<link href="{origin}/press/"/><summary>{escape(text)}</summary>{mark(origin + "/press/")}</entry>\n'
        for day, title, text in PRESS
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{origin}/feed.xml</id><title>{escape(LABEL)}</title><updated>"
        f"{PRESS[0][0]}T08:00:00Z</updated>\n"
        f'<link rel="self" href="{origin}/feed.xml"/><author><name>{escape(LABEL)}</name></author>'
        f"\n{mark('')}{entries}</feed>\n"
    )


def sitemap(origin: str) -> str:
    """Return the sitemap (sitemaps.org 0.9)."""
    paths = ["/", "/artists/", "/songs/", "/press/", *(f"/artists/{who.slug}" for who in ARTISTS)]
    for one in SONGS:
        paths += [f"/songs/{one.number}", f"/lyrics/{one.number}"]
    urls = "".join(f"<url><loc>{origin}{path}</loc></url>\n" for path in paths)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    )


def robots(origin: str) -> str:
    """Return the site's own robots.txt, as it was before anybody thought of AI crawlers."""
    return (
        "# The label's own rules\nUser-agent: *\nDisallow: /intern/\nDisallow: /search\n\n"
        f"User-agent: AhrefsBot\nCrawl-delay: 10\nDisallow: /audio/\n\nSitemap: {origin}/sitemap.xml\n"
    )


def favicon() -> str:
    """Return the label's mark as SVG."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" '
        'fill="#a8431f"/><circle cx="19" cy="14" r="8" fill="#f7f4ec"/><circle cx="23" cy="12" r="7" '
        'fill="#a8431f"/></svg>'
    )


def _covers(chosen: tuple[Song, ...]) -> str:
    items = "".join(
        f'<li><a href="/songs/{one.number}"><img src="/covers/{one.number}.svg" width="320" height="320" '
        f'alt="Cover: {escape(one.title)}">{escape(one.title)}</a><br>'
        f'<span class="soft">{escape(one.artist.name)}, {one.year}</span></li>\n'
        for one in chosen
    )
    return f'<ul class="grid">\n{items}</ul>\n'
