"""Where reservation headers get lost: by place, by status, by way of asking; in words for operators."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vorbehalt.probe.checks.agreement import Channels
from vorbehalt.probe.checks.headers import NAMES, present
from vorbehalt.probe.choose import folder
from vorbehalt.probe.exchange import Exchange
from vorbehalt.probe.finding import Ledger, listed
from vorbehalt.probe.gather import Gathered

Lost = frozenset[bytes]

_WAYS = {
    "304": ("headers-missing-on-304", "on 304 replies", "a cache or proxy answers If-None-Match by itself"),
    "head": ("headers-missing-on-head", "on replies to HEAD", "HEAD is answered by something else than GET"),
    "compressed": (
        "headers-missing-when-compressed", "on compressed replies",
        "what compresses, or serves ready-made .gz files, makes a reply of its own",
    ),
    "part": ("headers-missing-on-parts", "on 206 replies (Range)", "ranges are served by something else"),
    "options": (
        "headers-missing-on-options", "on replies to OPTIONS", "a CORS rule or the server answers by itself",
    ),
    "markdown": (
        "headers-missing-for-markdown", "where Markdown is asked for", "a converter makes a reply of its own",
    ),
    "redirect": (
        "headers-missing-on-redirects", "on redirects", "the server redirects before the headers are added",
    ),
    "error": (
        "headers-missing-on-errors", "on error replies",
        'nginx adds headers to 4xx and 5xx only with "always" after add_header, Apache with "Header always"',
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """A reply with the names of the headers that it must carry and does not."""

    exchange: Exchange
    lost: Lost


def check(gathered: Gathered, ledger: Ledger, stale: frozenset[str]) -> None:
    """Find every loss and say it once per cause."""
    used = frozenset(name for one in gathered.on_site() for name in present(one, gathered.vocabulary))
    if gathered.expected is None:
        _unused(used, ledger)
    channels = Channels(gathered)
    seen = [
        Seen(one, required(gathered, channels, one, used) - present(one, gathered.vocabulary))
        for one in gathered.on_site()
        if one.variant not in ("fresh", "again") and one.path not in stale
    ]
    ledger.passes(sum(not reply.lost for reply in seen))
    base: dict[str, Seen] = {}
    for reply in seen:
        if _is_base(reply.exchange):
            base.setdefault(reply.exchange.path, reply)
    _by_place(list(base.values()), ledger)
    home = base["/"].lost if "/" in base else frozenset()
    ways: dict[tuple[str, Lost], list[str]] = defaultdict(list)
    for reply in seen:
        if _is_base(reply.exchange):
            continue
        known = base.get(reply.exchange.path)
        if lost := reply.lost - (home if known is None else known.lost):
            ways[_way(reply.exchange), lost].append(reply.exchange.path)
    for (way, lost), paths in ways.items():
        id, words, cause = _WAYS[way]
        ledger.add(
            id, "error", paths, in_words(lost), "missing",
            f"{in_words(lost)} {_are(lost)} missing {words} ({listed(paths)}): {cause}",
        )  # fmt: skip


def lost_by(gathered: Gathered) -> dict[int, list[str]]:
    """The missing headers of every exchange by its number, for the report."""
    used = frozenset(name for one in gathered.on_site() for name in present(one, gathered.vocabulary))
    channels = Channels(gathered)
    found = {}
    for number, one in enumerate(gathered.exchanges):
        on_site = one.origin == gathered.base and one.was_answered
        lost = (
            required(gathered, channels, one, used) - present(one, gathered.vocabulary)
            if on_site
            else frozenset()
        )
        found[number] = [name.decode() for name in NAMES if name in lost]
    return found


def required(gathered: Gathered, channels: Channels, one: Exchange, used: Lost) -> Lost:
    """The headers that a reply must carry: what the configuration says, else all that the site uses.

    Where mining is not reserved, no policy is needed, and where training is allowed, no noai.
    """
    if gathered.expected is not None:
        names = frozenset(name for name, _ in gathered.expected.headers(one))
        unsure = one.status == 304 and gathered.expected.depends_on_media(one.path)
        return names - {b"tdm-policy", b"x-robots-tag"} if unsure else names
    needed = set(used)
    said = channels.told(one)
    if said.get("tdm") == "allow":
        needed.discard(b"tdm-policy")
    if said.get("training", said.get("tdm")) == "allow":
        needed.discard(b"x-robots-tag")
    return frozenset(needed)


def in_words(lost: Iterable[bytes]) -> str:
    names = [name.decode() for name in NAMES if name in lost]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def scope(lost: Sequence[Exchange], kept: Sequence[Exchange]) -> str:
    """What the losers have in common and no other reply shares: a folder, an ending, a type."""
    shared = _common_folder([one.path for one in lost])
    if shared and not any(one.path.startswith(shared) for one in kept):
        return f"everything below {shared}"
    ending = _common({_ending(one.path) for one in lost})
    if ending and not any(_ending(one.path) == ending for one in kept):
        return f"every {ending}"
    family = _common({one.media_type.partition("/")[0] for one in lost})
    if family and not any(one.media_type.startswith(family + "/") for one in kept):
        return f"every {family}/*"
    pages = [one for one in kept if one.media_type == "text/html"]
    if kept and len(pages) == len(kept) and all(one.media_type != "text/html" for one in lost):
        return "everything but HTML pages"
    return "everything that was asked" if not kept else ""


def _by_place(replies: list[Seen], ledger: Ledger) -> None:
    groups: dict[Lost, list[Exchange]] = defaultdict(list)
    for reply in replies:
        if reply.lost:
            groups[reply.lost].append(reply.exchange)
    for lost, exchanges in groups.items():
        kept = [reply.exchange for reply in replies if not lost <= reply.lost]
        for part in _parts(exchanges, kept):
            where = scope(part, kept)
            paths = [one.path for one in part]
            ledger.add(
                "headers-missing", "error", paths, in_words(lost), "missing",
                f"{in_words(lost)} {_are(lost)} missing on {listed(paths)}"
                f"{f' ({where})' if where else ''}: {_cause(part, lost)}",
            )  # fmt: skip


def _parts(lost: list[Exchange], kept: list[Exchange]) -> list[list[Exchange]]:
    """All losers together if they have something in common, else folder by folder."""
    if len(lost) == 1 or scope(lost, kept):
        return [lost]
    by_folder: dict[str, list[Exchange]] = defaultdict(list)
    for one in lost:
        by_folder[folder(one.path)].append(one)
    return list(by_folder.values())


def _cause(lost: Sequence[Exchange], names: Lost) -> str:
    server = {one.text(b"server").lower() for one in lost}
    if len(names) == 1:
        return (
            "something in front takes this one away or never adds it there; in nginx look for"
            " proxy_hide_header or more_clear_headers in that location, in Apache for Header unset"
        )
    if any("apache" in text for text in server):
        return "in Apache a section of its own sets other headers there: repeat the Header lines in it"
    return (
        "in nginx one add_header inside a location drops all inherited ones: include the snippet there too; a"
        " location that serves files itself never asks the app"
    )


def _unused(used: Lost, ledger: Ledger) -> None:
    for name in NAMES:
        if not used:
            return
        ledger.check(
            name in used, "header-not-used", "warning", [], name.decode(), "on no reply at all",
            f"{name.decode()} is sent nowhere: readers of that channel learn nothing from your replies",
        )  # fmt: skip


def _is_base(one: Exchange) -> bool:
    return one.variant in ("plain", "browser") and one.method == "GET" and 200 <= one.status < 300


def _way(one: Exchange) -> str:
    if one.status == 304:
        return "304"
    if one.is_redirect:
        return "redirect"
    if one.variant in ("head", "compressed", "part", "options", "markdown"):
        return one.variant
    return "error"


def _common(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else ""


def _common_folder(paths: Sequence[str]) -> str:
    folders = [folder(path).split("/") for path in paths]
    shared = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    text = "/".join(shared)
    text = text if text.endswith("/") else text + "/"
    return "" if text == "/" else text


def _ending(path: str) -> str:
    name = path.partition("?")[0].rpartition("/")[2]
    return name[name.rfind(".") :] if "." in name else ""


def _are(lost: Lost) -> str:
    return "is" if len(lost) == 1 else "are"
