"""What happens on the invented label's site from 28 September to 12 November 2026.

The site only watches at first, and refuses from 12 October on. Beispiel AI's training crawler reads lyrics
and sound although robots.txt closes them to it, and goes on after a letter; somebody else uses its name;
Exemple IA only says who it is; Beispiel-Suche is welcome. Nobody of these names exists.
"""

from __future__ import annotations

from pathlib import Path

from samples import fixed
from samples.site import Site, witness
from vorbehalt.evidence.anchor.witness_store import WitnessStore

TRAINER = "Mozilla/5.0 (compatible; ExampleBot/1.0; +https://ai.beispiel.example/bots)"
SEARCHER = "Mozilla/5.0 (compatible; ExampleSearchBot/1.0; +https://ai.beispiel.example/bots)"
SAMPLE = "Mozilla/5.0 (compatible; SampleModelsBot/3.1; +https://models.sample.example/crawler)"
EXEMPLE = "Mozilla/5.0 (compatible; ExempleBot/0.9; +https://ia.exemple.example/robot)"
ENGINE = "Mozilla/5.0 (compatible; BeispielSuchbot/2.0; +https://suche.beispiel.example/bot)"
BEISPIEL_NET, SAMPLE_NET, ENGINE_NET, NOBODYS_NET = 1, 2, 3, 77
SONGS = 6


def before_the_letter(folder: Path) -> None:
    """28 September to 11 October: the site watches and records, everybody is served."""
    fixed.now("2026-09-28T08:00")
    site = Site(folder, "observe")
    with witness(folder) as (url, store):
        for day in ("2026-09-29", "2026-09-30", *(f"2026-10-{day:02}" for day in range(1, 12))):
            _day(site, day)
            _close_of_day(site, day, url, store)
        site.close()


def until_the_letter(folder: Path) -> None:
    """12 to 14 October: crawlers for training are refused."""
    fixed.now("2026-10-12T07:00")
    _days(folder, 12, 14)


def after_the_letter(folder: Path) -> None:
    """15 to 31 October, after a letter that has gone out on the 15th at noon."""
    fixed.now("2026-10-15T14:00")
    _days(folder, 15, 31)


def november(folder: Path) -> None:
    """A little of the days after a reminder is due."""
    fixed.now("2026-11-06T07:00")
    site = Site(folder, "enforce")
    with witness(folder) as (url, store):
        _day(site, "2026-11-06")
        _close_of_day(site, "2026-11-06", url, store)
        site.close()


def _days(folder: Path, first: int, last: int) -> None:
    site = Site(folder, "enforce")
    with witness(folder) as (url, store):
        for number in range(first, last + 1):
            day = f"2026-10-{number:02}"
            _day(site, day)
            _close_of_day(site, day, url, store)
        site.close()


def _day(site: Site, day: str) -> None:
    number = int(day[-2:])
    if day != "2026-10-15":
        fixed.now(f"{day}T09:00")
        site.lists()
    if number % 4 == 1 or day == "2026-09-29":
        site.visit("/robots.txt", TRAINER, BEISPIEL_NET, 3)
        site.visit("/robots.txt", SEARCHER, BEISPIEL_NET, 4)
    _trainer(site, day, number)
    fixed.now(f"{day}T17:00")
    site.visit(f"/songs/{1 + number % SONGS}", SEARCHER, BEISPIEL_NET, 4)
    site.visit(f"/lyrics/{1 + (number + 1) % SONGS}", SEARCHER, BEISPIEL_NET, 4)
    site.visit("/press/", SEARCHER, BEISPIEL_NET, 4)
    fixed.now(f"{day}T18:30")
    for page in ("/", "/songs/", f"/songs/{1 + number % SONGS}"):
        site.visit(page, ENGINE, ENGINE_NET, 1)
    if number % 3 == 0:
        site.visit(f"/lyrics/{1 + number % SONGS}", EXEMPLE, 55, 8)
        site.visit(f"/covers/{1 + number % SONGS}.png", EXEMPLE, 55, 8)
    if number % 5 == 2:
        site.visit("/robots.txt", SAMPLE, SAMPLE_NET, 2)
        site.visit(f"/lyrics/{1 + number % SONGS}", SAMPLE, SAMPLE_NET, 2)
        site.visit(f"/audio/{1 + number % SONGS}.wav", SAMPLE, SAMPLE_NET, 2)
    if day in ("2026-10-08", "2026-10-20", "2026-10-27"):
        fixed.now(f"{day}T21:10")
        for song in (1, 2, 3):
            site.visit(f"/lyrics/{song}", TRAINER, NOBODYS_NET, 13)


def _trainer(site: Site, day: str, number: int) -> None:
    """The training crawler: pages of songs, lyrics, sound in parts, a HEAD, a 304, a broken transfer."""
    fixed.now(f"{day}T15:00" if day == "2026-10-15" else f"{day}T11:00")
    for turn in range(2 + number % 3):
        song = 1 + (number + turn) % SONGS
        site.visit(f"/lyrics/{song}", TRAINER, BEISPIEL_NET, 3)
        fixed.later(40)
    song = 1 + number % SONGS
    if number % 2:
        site.visit(f"/songs/{song}", TRAINER, BEISPIEL_NET, 3, method="HEAD")
        site.visit(f"/audio/{song}.wav", TRAINER, BEISPIEL_NET, 3, headers={"range": "bytes=0-65535"})
    if number % 6 == 0:
        site.visit(f"/audio/{song}.wav", TRAINER, BEISPIEL_NET, 3)
        site.visit(f"/covers/{song}.png", TRAINER, BEISPIEL_NET, 3, whole=False)
    if number % 7 == 3:
        # The star stands for whatever version it has: answered with 304 while the site still serves it.
        site.visit(f"/covers/{song}.svg", TRAINER, BEISPIEL_NET, 3, headers={"if-none-match": "*"})
        site.visit(f"/audio/{song}.wav", TRAINER, BEISPIEL_NET, 3, whole=False)
    if day in ("2026-10-13", "2026-10-16"):
        # Refused a moment ago: the same pages from another address.
        fixed.later(90)
        site.visit(f"/lyrics/{song}", TRAINER, BEISPIEL_NET, 0x2F)
        site.visit(f"/songs/{song}", TRAINER, BEISPIEL_NET, 0x2F)
    if day in ("2026-10-05", "2026-10-19"):
        # An address that cannot be judged: a claim, no more.
        site.visit(f"/songs/{song}", TRAINER, 0, address="192.0.2.7")


def _close_of_day(site: Site, day: str, url: str, store: WitnessStore) -> None:
    fixed.now(f"{day}T22:00")
    if day == "2026-10-21":
        site.lose(3)
        site.visit("/songs/", SEARCHER, BEISPIEL_NET, 4)
    else:
        site.anchor(url, store)
