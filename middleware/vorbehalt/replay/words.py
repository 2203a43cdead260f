"""What the report calls things: plain words for purposes, actions, standings; numbers for people."""

from __future__ import annotations

from datetime import UTC, datetime

from vorbehalt.facts import Action, Purpose

PURPOSES: dict[Purpose, tuple[str, str]] = {
    Purpose.TRAINING: ("AI training", "collects text, images and sound to train AI models"),
    Purpose.DATASET: ("Data sets", "builds collections that others train on"),
    Purpose.SEARCH: ("AI search index", "lets AI products find and link to pages"),
    Purpose.USER_FETCH: (
        "AI, on a person's request",
        "fetches one page because a person asked an AI product",
    ),
    Purpose.AGENT: ("AI agents", "acts on the site for a person"),
    Purpose.UNDOCUMENTED: ("Undocumented AI crawlers", "its operator does not say what it collects for"),
    Purpose.SEARCH_ENGINE: ("Search engines", "lists the site in web search"),
    Purpose.PREVIEW: ("Link previews", "draws the preview when somebody shares a link"),
    Purpose.ARCHIVER: ("Archives", "keeps copies for libraries and courts"),
    Purpose.MONITOR: ("Monitoring", "watches whether the site is up"),
    Purpose.FEED: ("Feed readers", "brings news to subscribers"),
    Purpose.SEO: ("SEO and marketing", "measures links and rankings, often for an agency"),
    Purpose.TOOL: ("Tools", "programs and scripts, your own among them"),
    Purpose.HEADLESS: ("Automated browsers", "browsers driven by a program"),
}

ACTIONS: dict[Action, tuple[str, str]] = {
    Action.ALLOW: ("answered", "gets the page, with your reservation in the headers; that is no permission"),
    Action.LIMIT: ("asked to slow down", "gets “too many requests” (429) until it slows down"),
    Action.CHALLENGE: ("asked to prove a browser", "gets a short check before the page"),
    Action.BLOCK: ("turned away", "gets a refusal (403) with your terms and whom to ask for a licence"),
}

STANDINGS: dict[str, str] = {
    "signed": "proved by signature",
    "verified": "address confirmed",
    "consistent": "network fits",
    "claimed": "says so, not checked",
    "contradicted": "address does not fit",
    "unknown": "says so, cannot be checked",
}

GROUPS = ("People and unnamed clients", "AI crawlers", "Search engines", "Other named clients")


def number(value: int) -> str:
    """Return a count with thousands separated by a narrow no-break space."""
    return f"{value:,}".replace(",", "\u202f")


def counted(value: int, noun: str) -> str:
    """Return a count with its noun: `1 request`, `2 requests`."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"


def lines_without(skipped: int, lines: int) -> str:
    """Return how many lines hold no request, as the beginning of a sentence."""
    return f"{number(skipped)} of {number(lines)} lines {'holds' if skipped == 1 else 'hold'} no request"


def share(part: int, whole: int) -> str:
    """Return a percentage that never rounds something to nothing, nor nearly all to all."""
    if not whole or not part:
        return "0\u202f%"
    percent = 100 * part / whole
    if percent < 0.1:
        return "under 0.1\u202f%"
    if percent > 99.9 and part != whole:
        return "over 99.9\u202f%"
    return f"{percent:.1f}\u202f%" if percent < 10 or 99 < percent < 100 else f"{percent:.0f}\u202f%"


def size(value: int) -> str:
    """Return a number of bytes in decimal units."""
    amount = float(value)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if amount < 1_000 or unit == "TB":
            return (
                f"{amount:.0f}\u202f{unit}"
                if amount >= 100 or unit == "bytes"
                else f"{amount:.1f}\u202f{unit}"
            )
        amount /= 1_000
    raise AssertionError("unreachable")


def day(at: int) -> str:
    """Return the date of nanoseconds UTC, as `17 May 2015`."""
    moment = datetime.fromtimestamp(at // 1_000_000_000, UTC)
    return f"{moment.day} {moment:%B %Y}"


def minute(at: int) -> str:
    """Return date and time of nanoseconds UTC, as `2015-05-17 10:05:03`."""
    return f"{datetime.fromtimestamp(at // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def hour(at: int) -> str:
    """Return day and time of nanoseconds UTC, as `17 May 10:00`."""
    moment = datetime.fromtimestamp(at // 1_000_000_000, UTC)
    return f"{moment.day} {moment:%b %H:%M}"


def span(width: int) -> str:
    """Return a duration in nanoseconds as `hour`, `day` or `4 days`."""
    hours = width // 3_600_000_000_000
    if hours == 1:
        return "hour"
    return "day" if hours == 24 else f"{hours // 24} days"


def reason(code: str) -> str:
    """Return a stable reason code (kebab-case) as words."""
    return code.replace("-", " ")
