"""The walk over a site: which questions are put, in which order, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from vorbehalt.errors import VorbehaltError
from vorbehalt.probe import readings
from vorbehalt.probe.asking import Asker, normal_url, target_of
from vorbehalt.probe.choose import choose, deepest_pages
from vorbehalt.probe.exchange import DOCUMENTS, Exchange, Kind
from vorbehalt.probe.expected import Expected, local
from vorbehalt.probe.links import Page, feed_enclosures, read_page, sitemap_links
from vorbehalt.reservation.path_pattern import request_path
from vorbehalt.reservation.robots.file import RobotsFile, parse
from vorbehalt.reservation.robots.said import lets_in
from vorbehalt.reservation.vocabulary import Vocabulary

MISSING_PATH = "/vorbehalt-probe/there-is-no-such-page"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_MOST_HOPS = 5
_MOST_PATHS = 10
_MOST_SECTIONS = 5
_MOST_DEEPER = 2


class UnreachableError(VorbehaltError):
    """The site cannot be asked at all; the message says why."""


@dataclass(frozen=True, slots=True)
class DocumentSeen:
    """A signal document: where it was looked for, the redirects on the way, and the last answer."""

    kind: Kind
    path: str
    hops: tuple[Exchange, ...]
    last: Exchange
    named_by: str = ""

    @property
    def is_read(self) -> bool:
        return self.last.status == 200 and self.last.fault is None


@dataclass(slots=True)
class Gathered:
    """All that a site said. `pages` are the HTML pages by path."""

    base: str
    expected: Expected | None
    exchanges: list[Exchange]
    vocabulary: Vocabulary
    documents: dict[Kind, DocumentSeen] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)

    def on_site(self) -> list[Exchange]:
        """Exchanges with the site itself that have status and headers."""
        return [one for one in self.exchanges if one.origin == self.base and one.was_answered]

    def plain(self) -> dict[str, Exchange]:
        """The first plain answer of every path that is no redirect and no error."""
        found: dict[str, Exchange] = {}
        for one in self.on_site():
            if one.variant == "plain" and one.method == "GET" and 200 <= one.status < 300:
                found.setdefault(one.path, one)
        return found

    def robots(self) -> RobotsFile | None:
        """The robots.txt that was served, None if there is none."""
        seen = self.documents.get("robots")
        return parse(seen.last.body) if seen is not None and seen.is_read else None


class Walk:
    """One probe of one site. `url` is normal (`normal_url`); its path is asked for too."""

    def __init__(
        self,
        url: str,
        asker: Asker,
        vocabulary: Vocabulary,
        expected: Expected | None = None,
        paths: Sequence[str] = (),
    ) -> None:
        parts = urlsplit(url)
        self.base = f"{parts.scheme}://{parts.netloc}"
        self.asker = asker
        self.expected = expected
        own = [] if target_of(url) == "/" else [target_of(url)]
        self.paths = [*own, *paths][:_MOST_PATHS]
        self.gathered = Gathered(self.base, expected, asker.exchanges, vocabulary)
        self._links: dict[str, Kind] = {}
        self._asked: list[tuple[str, Kind]] = []
        self._permitted = parse(b"").groups
        # The same within one probe, another for every probe.
        self._token = f"vorbehalt-probe={asker.clock()}"

    def run(self) -> Gathered:
        """Ask everything. Raises UnreachableError if the site does not answer at all."""
        robots = self._document("robots", self._path_of("robots", "/robots.txt"))
        home = self._sample(f"{self.base}/", "page")
        answers = [one for one in (robots, home) if one is not None]
        if answers and not any(one.was_answered for one in answers):
            faults = [one.fault for one in answers if one.fault is not None]
            raise UnreachableError(f"{self.base}: {faults[0].message if faults else 'no answer'}")
        read = self.gathered.robots()
        self._permitted = read.groups if read is not None else ()
        self._named_documents(home)
        self._samples()
        self._variants(home)
        self._document_variants()
        self._repeats()
        self.gathered.unasked = list(self.asker.unasked)
        return self.gathered

    def _path_of(self, kind: Kind, usual: str) -> str:
        return self.expected.document_paths().get(kind, usual) if self.expected else usual

    def _absolute(self, place: str) -> str:
        origin = self.expected.origin if self.expected else ""
        try:
            return local(normal_url(urljoin(self.base, place)), self.base, origin)
        except ValueError:
            return ""

    def _document(self, kind: Kind, place: str, named_by: str = "") -> Exchange | None:
        url = self._absolute(place)
        if not url or kind in self.gathered.documents:
            return None
        path = target_of(url) if url.startswith(self.base) else url
        hops: list[Exchange] = []
        last = self.asker.ask(url, kind)
        while last is not None and last.is_redirect and len(hops) < _MOST_HOPS:
            target = self._absolute(urljoin(last.url, last.text(b"location").partition(", ")[0]))
            elsewhere = bool(target) and not target.startswith(self.base + "/")
            if not target or (elsewhere and kind in ("robots", "tdmrep")):
                break
            hops.append(last)
            last = self.asker.ask(target, kind)
        if last is None:
            return hops[-1] if hops else None
        self.gathered.documents[kind] = DocumentSeen(kind, path, tuple(hops), last, named_by)
        return last

    def _sample(self, url: str, kind: Kind) -> Exchange | None:
        """Ask for content, following redirects within the site; pages are read for further links."""
        self._asked.append((url, kind))
        answer = self.asker.ask(url, kind)
        for _ in range(_MOST_HOPS):
            if answer is None or not answer.is_redirect:
                break
            target = self._absolute(urljoin(answer.url, answer.text(b"location").partition(", ")[0]))
            if not target.startswith(self.base + "/") or target in [known for known, _ in self._asked]:
                break
            self._asked.append((target, "other"))
            answer = self.asker.ask(target, kind)
        if answer is not None and answer.status == 200 and answer.media_type in (
            "text/html", "application/xhtml+xml"
        ):  # fmt: skip
            page = read_page(answer.body, answer.url)
            self.gathered.pages[answer.path] = page
            for link, link_kind in page.links.items():
                whole = self._absolute(link)
                if whole:
                    self._links.setdefault(whole, link_kind)
        return answer

    def _named_documents(self, home: Exchange | None) -> None:
        tdmrep = self._document("tdmrep", self._path_of("tdmrep", "/.well-known/tdmrep.json"))
        robots = self.gathered.robots()
        headers = home.text(b"tdm-policy") if home is not None else ""
        rules = readings.tdmrep_rules(tdmrep.body) if tdmrep is not None and tdmrep.status == 200 else []
        page = self.gathered.pages.get("/", Page())
        named = [
            headers,
            page.meta.get("tdm-policy", ""),
            *(rule.policy for rule in rules if rule.policy),
            self._path_of("policy", ""),
        ]
        self._first_named("policy", named, "tdm-policy")
        told = readings.licences(home.text(b"link")) if home is not None else []
        named = [
            *(target for target, type_ in told if type_ == "application/rsl+xml"),
            *(line.value for line in (robots.lines if robots else ()) if line.key == "license"),
            *page.licences,
            self._path_of("rsl", ""),
        ]
        self._first_named("rsl", named, "Link or License")
        seen = self.gathered.documents.get("rsl")
        terms = readings.rsl_terms(seen.last.body) if seen is not None and seen.is_read else ""
        self._first_named("terms", [self._path_of("terms", ""), terms], "RSL terms")

    def _first_named(self, kind: Kind, places: list[str], named_by: str) -> None:
        place = next((place for place in places if place), "")
        if place:
            self._document(kind, place, named_by)

    def _may_ask(self, url: str) -> bool:
        return lets_in(self._permitted, "Vorbehalt-Probe", request_path(target_of(url).encode()))

    def _samples(self) -> None:
        for path in self.paths:
            url = self._absolute(path)
            if url.startswith(self.base + "/"):
                self._sample(url, "path")
        robots = self.gathered.robots()
        named = [line.value for line in (robots.lines if robots else ()) if line.key.startswith("site")]
        sitemap = self._absolute(next((url for url in named if url.startswith("http")), "/sitemap.xml"))
        if sitemap.startswith(self.base + "/"):
            answer = self.asker.ask(sitemap, "sitemap")
            for link in sitemap_links(answer.body) if answer is not None and answer.status == 200 else ():
                if whole := self._absolute(link):
                    self._links.setdefault(whole, "page")
        for name, pattern in self.expected.section_paths()[:_MOST_SECTIONS] if self.expected else ():
            self._sample_section(name, pattern)
        self._ask_chosen()
        for _ in range(_MOST_DEEPER):
            if "media" in self._links.values() and "image" in self._links.values():
                break
            deeper = deepest_pages(self._links, self.base, [url for url, _ in self._asked])
            if next_page := next(filter(self._may_ask, deeper), ""):
                self._sample(next_page, "page")
        self._ask_chosen()

    def _ask_chosen(self) -> None:
        asked = [(url, kind) for url, kind in self._asked if url != f"{self.base}/"]
        for url, kind in choose(self._links.items(), self.base, self._may_ask, asked):
            answer = self._sample(url, kind)
            if kind == "feed" and answer is not None and answer.status == 200:
                for link in feed_enclosures(answer.body):
                    if whole := self._absolute(link):
                        self._links.setdefault(whole, "media")

    def _sample_section(self, name: str, pattern: str) -> None:
        assert self.expected is not None
        inside = [url for url in self._links if self.expected.section_of(target_of(url)) == name]
        if not inside and "*" not in pattern and "$" not in pattern:
            inside = [self._absolute(pattern)]
        fresh = [url for url in inside if url and url not in {known for known, _ in self._asked}]
        if url := next(filter(self._may_ask, fresh), ""):
            self._sample(url, self._links.get(url, "page"))

    def _variants(self, home: Exchange | None) -> None:
        self.asker.ask(self.base + MISSING_PATH, "missing")
        self.asker.ask(f"{self.base}/", "page", "head", method="HEAD")
        self.asker.ask(f"{self.base}/", "page", "options", method="OPTIONS")
        compressed = [("Accept-Encoding", "gzip, br")]
        self.asker.ask(f"{self.base}/", "page", "compressed", headers=compressed)
        self.asker.ask(f"{self.base}/", "page", "markdown", headers=[("Accept", "text/markdown")])
        if home is not None and home.status == 200:
            self._conditional(home)
        done: set[Kind] = set()
        for one in list(self.gathered.plain().values()):
            if one.kind in done:
                continue
            if one.kind in ("style", "script"):
                done.add(one.kind)
                self.asker.ask(one.url, one.kind, "compressed", headers=compressed)
            elif one.kind in ("media", "image"):
                done.add(one.kind)
                self.asker.ask(one.url, one.kind, "part", headers=[("Range", "bytes=0-99")])
        for path in ("/llms.txt", "/llms-full.txt"):
            self.asker.ask(self.base + path, "llms")

    def _conditional(self, known: Exchange) -> None:
        if tag := known.text(b"etag"):
            headers = [("If-None-Match", tag)]
        elif date := known.text(b"last-modified"):
            headers = [("If-Modified-Since", date)]
        else:
            return
        if all(value.isprintable() and value.isascii() for _, value in headers):
            self.asker.ask(known.url, known.kind, "conditional", headers=headers)

    def _document_variants(self) -> None:
        for kind in DOCUMENTS:
            seen = self.gathered.documents.get(kind)
            if seen is None or not seen.is_read or not seen.last.url.startswith(self.base + "/"):
                continue
            self.asker.ask(seen.last.url, kind, "head", method="HEAD")
            self._conditional(seen.last)
            if kind == "robots":
                self.asker.ask(seen.last.url, "robots", "browser", user_agent=BROWSER)
            self._fresh(seen.last)

    def _repeats(self) -> None:
        for one in list(self.gathered.plain().values()):
            if one.kind not in DOCUMENTS and one.kind != "llms":
                self._fresh(one)
        if home := self.gathered.plain().get("/"):
            self.asker.ask(home.url, home.kind, "again")

    def _fresh(self, known: Exchange) -> None:
        """Ask once more past any cache that keeps answers by their address."""
        url = known.url + ("&" if urlsplit(known.url).query else "?") + self._token
        self.asker.ask(url, known.kind, "fresh", asked_path=known.path)
