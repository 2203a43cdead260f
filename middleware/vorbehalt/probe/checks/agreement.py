"""Do all channels say the same of a path? The most restrictive counts; contradictions help nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from vorbehalt.probe import readings
from vorbehalt.probe.checks.headers import present
from vorbehalt.probe.exchange import DOCUMENTS, Exchange
from vorbehalt.probe.finding import Ledger, Severity, listed
from vorbehalt.probe.gather import Gathered
from vorbehalt.probe.knowledge import Knowledge
from vorbehalt.probe.links import Page
from vorbehalt.probe.readings import Said
from vorbehalt.reservation.path_pattern import request_path
from vorbehalt.reservation.robots.file import names
from vorbehalt.reservation.robots.said import lets_in
from vorbehalt.reservation.uses import Stance

_WORDS = {"search": "search", "training": "training", "ai_input": "input to AI answers", "tdm": "mining"}


class Channels:
    """Reads every channel of one site, by path."""

    def __init__(self, gathered: Gathered) -> None:
        documents = gathered.documents
        self._gathered = gathered
        self._plain = gathered.plain()
        tdmrep, rsl, robots = documents.get("tdmrep"), documents.get("rsl"), gathered.robots()
        self._tdmrep = readings.tdmrep_rules(tdmrep.last.body) if tdmrep and tdmrep.is_read else []
        self._robots = (
            readings.robots_signals(robots, gathered.vocabulary) if robots else readings.RobotsSays((), ())
        )
        self._rsl: list[readings.Rule] = []
        if rsl and rsl.is_read:
            try:
                self._rsl = readings.rsl_rules(rsl.last.body, gathered.vocabulary)
            except readings.RslError:
                self._rsl = []

    def of_path(self, path: str) -> dict[str, Said]:
        """What the documents say of a path."""
        where = request_path(path.encode("latin-1", "replace"))
        # TDMRep names the first match and the longest in one breath; form checks make sure that they agree.
        rule = readings.by_longest(self._tdmrep, where)
        licence = readings.by_longest(self._rsl, where)
        return {
            "tdmrep.json": rule.said if rule else {},
            "Content-Usage in robots.txt": readings.said_by_lines(self._robots.usage, where),
            "Content-Signal in robots.txt": readings.said_by_lines(self._robots.signal, where),
            "RSL": licence.said if licence else {},
        }

    def of_reply(self, one: Exchange) -> dict[str, Said]:
        """What a reply says of itself, and its HTML."""
        words = self._gathered.vocabulary
        page = self._gathered.pages.get(one.path, Page()) if one.variant == "plain" else Page()
        return {
            "the tdm-reservation header": readings.reservation(one.text(b"tdm-reservation")),
            "the Content-Usage header": readings.usage(one.text(b"content-usage"), words.aipref),
            "X-Robots-Tag": readings.noai(one.text(b"x-robots-tag"), words),
            "the tdm-reservation in HTML": readings.reservation(page.meta.get("tdm-reservation", "")),
            "the robots meta in HTML": readings.noai(page.meta.get("robots", ""), words),
        }

    def all_of(self, one: Exchange) -> dict[str, Said]:
        """Every channel that says something of a reply, without what is too coarse to be meant there."""
        expected = self._gathered.expected
        if expected is not None and expected.depends_on_media(one.path):
            # Documents know no media type, so they say the most restrictive of the path, and are meant to.
            return {name: said for name, said in self.of_reply(one).items() if said}
        found = {**self.of_path(one.path), **self.of_reply(one)}
        home = self.of_path("/")
        others = [name for name in home if name != "Content-Signal in robots.txt"]
        if any(found[name] != home[name] for name in others):
            # A line without a path speaks of the site as a whole: its "no" is not meant where others differ.
            signal = found["Content-Signal in robots.txt"]
            found["Content-Signal in robots.txt"] = {
                use: stance for use, stance in signal.items() if stance == "allow"
            }
        return {name: said for name, said in found.items() if said}

    def looser(self, one: Exchange) -> frozenset[str]:
        """The uses that the headers allow without exception while a document reserves them."""
        reply, documents = self.of_reply(one).values(), self.of_path(one.path).values()
        allowed = {use for said in reply for use, stance in said.items() if stance == "allow"}
        reserved = {use for said in reply for use, stance in said.items() if stance == "reserve"}
        told = {use for said in documents for use, stance in said.items() if stance == "reserve"}
        return frozenset((allowed - reserved) & told)

    def differs_by_media(self, one: Exchange) -> bool:
        """True if all replies of this media type are looser than the documents, and others are not."""
        found = self.looser(one)
        same: list[frozenset[str]] = []
        others: list[frozenset[str]] = []
        for other in self._plain.values():
            if other.kind not in (*DOCUMENTS, "sitemap", "llms"):
                (same if _family(other) == _family(one) else others).append(self.looser(other))
        return bool(found) and all(uses == found for uses in same) and frozenset() in others

    def told(self, one: Exchange) -> Said:
        """The stance by use, header before documents: what headers a reply needs depends on it."""
        said: dict[str, Stance] = {}
        known = self._plain.get(one.path)
        replies = [one, *([known] if known is not None and known is not one else [])]
        sources = [*(self.of_reply(reply) for reply in replies), self.of_path(one.path)]
        for source in sources:
            for name, channel in source.items():
                if name not in ("X-Robots-Tag", "the robots meta in HTML", "Content-Signal in robots.txt"):
                    for use, stance in channel.items():
                        said.setdefault(use, stance)
        return said


def check(gathered: Gathered, knowledge: Knowledge, ledger: Ledger) -> None:
    """Compare all channels on every path that was answered."""
    channels = Channels(gathered)
    spoken = False
    differing: dict[tuple[str, str, str, str, Severity], list[str]] = defaultdict(list)
    for one in gathered.plain().values():
        said = channels.all_of(one)
        spoken = spoken or bool(said)
        if one.kind in (*DOCUMENTS, "sitemap", "llms"):
            continue
        for flaw in _contradictions(said):
            severity: Severity = "error"
            if flaw[0] == "channels-disagree" and channels.differs_by_media(one):
                severity = "warning"
            differing[(*flaw, severity)].append(one.path)
        if said and not _contradictions(said):
            ledger.passes()
        _signal_header(gathered, one, said, ledger)
    for (id, expected, observed, message, grade), paths in differing.items():
        if grade == "warning":
            message += "; if media types are meant to differ: documents cannot say so, the stricter counts"
        ledger.add(id, grade, paths, expected, observed, f"{listed(paths)}: {message}")
    answered = [one for one in gathered.on_site() if one.status < 400]
    spoken = spoken or any(present(one, gathered.vocabulary) for one in answered)
    ledger.check(
        spoken or not answered, "no-reservation", "error", ["/"], "a reservation in at least one channel",
        "none", "nothing on the site reserves anything in a form that machines read",
    )  # fmt: skip
    _crawlers(gathered, channels, knowledge, ledger)


def _family(one: Exchange) -> str:
    return one.media_type.partition("/")[0]


def _contradictions(said: Mapping[str, Said]) -> list[tuple[str, str, str, str]]:
    found = []
    for use, words in _WORDS.items():
        by_stance: dict[Stance, list[str]] = {"allow": [], "reserve": []}
        for name, channel in said.items():
            if use in channel:
                by_stance[channel[use]].append(name)
        if by_stance["allow"] and by_stance["reserve"]:
            allow, reserve = " and ".join(by_stance["allow"]), " and ".join(by_stance["reserve"])
            found.append((
                "channels-disagree", f"one answer for {words}", f"allowed by {allow}; reserved by {reserve}",
                f"{allow} allow{'s' if len(by_stance['allow']) == 1 else ''} {words}, {reserve}"
                f" reserve{'s' if len(by_stance['reserve']) == 1 else ''} it",
            ))  # fmt: skip
    zero = [name for name, channel in said.items() if channel.get("tdm") == "allow"]
    reserving = [
        name
        for name, channel in said.items()
        if "reserve" in (channel.get("training"), channel.get("ai_input"))
    ]
    if zero and reserving and not any(channel.get("tdm") == "reserve" for channel in said.values()):
        found.append((
            "reservation-zero", "tdm-reservation: 1", f"0 in {' and '.join(zero)}",
            f"{' and '.join(zero)} says 0, which permits all mining, while {' and '.join(reserving)}"
            f" reserve{'s' if len(reserving) == 1 else ''} training or input to AI",
        ))  # fmt: skip
    return found


def _signal_header(gathered: Gathered, one: Exchange, said: Mapping[str, Said], ledger: Ledger) -> None:
    value = one.text(b"content-signal")
    granted = {
        use
        for use, stance in readings.signal(value, gathered.vocabulary.content_signals).items()
        if stance == "allow"
    }
    against = sorted(
        {_WORDS[use] for use in granted for channel in said.values() if channel.get(use) == "reserve"}
    )
    if value:
        ledger.check(
            not against, "content-signal-header", "error", [one.path], f"no yes for {', '.join(against)}",
            value,
            f"{one.path}: the response header Content-Signal says yes to {' and '.join(against)}, which is"
            " reserved; a CDN that converts pages for agents adds it: change it there",
        )  # fmt: skip


def _crawlers(gathered: Gathered, channels: Channels, knowledge: Knowledge, ledger: Ledger) -> None:
    robots, home = gathered.robots(), gathered.plain().get("/")
    said = channels.all_of(home) if home is not None else channels.of_path("/")
    if robots is None or not any(channel.get("training") == "reserve" for channel in said.values()):
        return
    let_in = [token for token in knowledge.training_tokens if lets_in(robots.groups, token, "/")]
    named = [
        token
        for token in let_in
        if any(names(agent, token) for group in robots.groups for agent in group.agents)
    ]
    for tokens, severity, how in (
        (named, "error", "by a group of their own"),
        (
            [] if named or len(let_in) < len(knowledge.training_tokens) else let_in,
            "warning",
            "by naming none of them",
        ),
    ):
        few = ", ".join(tokens[:5]) + (f" and {len(tokens) - 5} more" if len(tokens) > 5 else "")
        path = gathered.documents["robots"].path
        ledger.check(
            not tokens, "robots-lets-in", severity, [path], "Disallow: /", f"allowed: {few}",  # type: ignore[arg-type]
            f"robots.txt lets {few} in {how}, while other channels reserve training",
        )  # fmt: skip
