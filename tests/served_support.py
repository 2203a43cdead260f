"""The scripts of tests/served as hosts of one configuration, and what comes over the wire in their form."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from process_support import CHROME, SECONDS

SERVED = Path(__file__).parent / "served"
OURS = ("tdm-reservation", "tdm-policy", "content-usage", "x-robots-tag", "link")
ROBOTS = """\
# robots.txt of a small label
User-agent: *
Disallow: /admin/
Disallow: /*.tmp$
Crawl-delay: 2

User-agent: Googlebot
Disallow: /search

User-agent: GPTBot
Allow: /press/
Disallow: /

Sitemap: https://label.example/sitemap.xml
"""
BASE = """\
format = 1
[site]
origin = "https://label.example"
operator = "Label Example GmbH"
contact = "mailto:licensing@label.example"
robots = "none"
[network]
trusted_proxies = ["loopback"]
[evidence]
reply_deadline = "150ms"
"""
_RESERVED = 'search = "reserve"\n'
_OPEN = 'training = "allow"\nai_input = "allow"\ntdm = "allow"\n'
_ALL = 'search = "reserve"\ntraining = "reserve"\nai_input = "reserve"\ntdm = "reserve"\n'
_HOLDER = '[host.reservation]\nrightsholder = "Label Example GmbH"\n'
_PRESS = f'[[host.reservation.section]]\nname = "press"\npaths = ["/press/"]\n{_OPEN}'
_AUDIO = f"""\
[host.reservation]
{_OPEN}
[[host.reservation.section]]
name = "audio"
paths = ["/audio/", "/*.mp3$"]
{_ALL}
[[host.reservation.section]]
name = "sound"
paths = ["/listen/"]
media = ["audio/*", "video/*"]
{_ALL}
[[host.reservation.section]]
name = "single"
paths = ["/audio/nachtzug/"]
works = ["isrc:DEUM72600001"]
rightsholder = "Ann Beispiel"
{_ALL}
"""
_LICENSEE = """\
[host.reservation]
capacity = "licensee"
on_behalf_of = ["Ann Beispiel", "Ben Muster"]
licence_contact = "https://label.example/lizenz"
may_license = true
"""
_SITE = '[host.site]\norigin = "https://label.example"\n'
_MERGED = f'{_SITE}robots = "file:own-robots.txt"\n'
HOSTS = {
    "default": _SITE + _HOLDER,
    "all-reserved": f"{_SITE}[host.reservation]\n{_RESERVED}",
    "press-open": f'{_SITE}languages = ["de", "en"]\n{_PRESS}',
    "merged-with-the-site": _MERGED + _HOLDER,
    "merged-press-open": _MERGED + _PRESS,
    "audio-reserved-text-open": _SITE + _AUDIO,
    "licensee-on-offer": (
        f'{_SITE}operator = "Agentur Beispiel"\ncontact = "mailto:rechte@label.example"\nlanguages = ["de"]\n'
        + _LICENSEE
    ),
    "two-hosts": _SITE + _HOLDER,
    "two-hosts-press": (
        '[host.site]\norigin = "https://presse.label.example"\ncontact = "mailto:presse@label.example"\n'
        f'languages = ["de"]\n{_HOLDER}{_OPEN}'
    ),
}
PATHS = {
    "rest of the site": "/page.html",
    "press": "/press/page.html",
    "audio": "/audio/page.html",
    "sound": "/listen/song.mp4",
    "single": "/audio/nachtzug/page.html",
    "~": "/bare",
    "~search+training+ai_input+tdm": "/listen/bare",
}
"""A path of the site for each part of a script that has headers of its own."""


def write_config(folder: Path) -> Path:
    """Write one configuration in which each script is a host, `NAME.example`."""
    (folder / "own-robots.txt").write_text(ROBOTS)
    path = folder / "served.toml"
    hosts = [f'[[host]]\nnames = ["{name}.example"]\n{text}' for name, text in HOSTS.items()]
    path.write_text("\n".join([BASE, *hosts]))
    return path


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: header lines in order, names in lower case."""

    status: int
    lines: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.lines if found == name]

    @property
    def reservation(self) -> list[tuple[str, str]]:
        """In a fixed order; a name that comes twice stands twice."""
        return [(name, value) for name in OURS for value in self.all(name)]


def ask_host(
    port: int, host: str, path: str, agent: str = CHROME, method: str = "GET", **headers: str
) -> Told:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, headers={"Host": f"{host}.example", "User-Agent": agent, **sent})
        answer = connection.getresponse()
        lines = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Told(answer.status, lines, answer.read())
    finally:
        connection.close()


def script(name: str) -> str:
    """The file of a host's script; that of two hosts is cut in two."""
    text = (SERVED / f"{name.removesuffix('-press')}.txt").read_text("utf-8")
    if not name.startswith("two-hosts"):
        return text
    first, second = re.split(r"^##### .*\n", text, flags=re.M)[1:]
    return second if name.endswith("-press") else first.rstrip("\n") + "\n"


def over_the_wire(port: int, name: str) -> str:
    """Ask for everything that the script of a host has, in its order and form."""
    blocks = re.findall(r"^=== (headers: .+|\S+ \(.*)$", script(name), re.M)
    lines = [line for block in blocks for line in _block(port, name, block)]
    if name.startswith("two-hosts"):
        # That file leaves out the line above robots.txt.
        lines += ["", ask_host(port, name, "/robots.txt").body.decode()]
    return "\n".join(lines).rstrip("\n") + "\n"


def _block(port: int, name: str, block: str) -> Iterator[str]:
    kind, _, part = block.partition("headers: ")
    if not kind:
        yield f"\n=== headers: {part}"
        told = ask_host(port, name, PATHS[part])
        yield from (f"{header}: {value}" for header, value in told.reservation)
        return
    path = block.split()[0]
    told = ask_host(port, name, path)
    media_type = f"{told.all('content-type')[0]}, " if "?" not in path else ""
    yield f"\n=== {path} ({media_type}ETag {told.all('etag')[0]})"
    yield told.body.decode().rstrip("\n")


def comparable(text: str) -> str:
    """Without what is not told, and without which crawlers are refused: that grows with the rules."""
    lines = re.sub(r"(=== /robots\.txt \(.*), ETag .*\)", r"\1)", text).splitlines()
    skipped = ("digest ", "conflict: ", "User-agent: ")
    kept = [line for line in lines if not line.startswith(skipped) and "sha256" not in line]
    return "\n".join(kept).strip("\n") + "\n"
