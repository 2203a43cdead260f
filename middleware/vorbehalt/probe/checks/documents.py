"""Signal documents: there for everybody, at their address, with the right type, and known by a validator."""

from __future__ import annotations

from urllib.parse import urlsplit

from vorbehalt.facts import host_name
from vorbehalt.probe.checks.site import REFUSALS
from vorbehalt.probe.exchange import Exchange, Kind
from vorbehalt.probe.finding import Ledger, Severity
from vorbehalt.probe.gather import DocumentSeen, Gathered
from vorbehalt.probe.links import read_page

NAMES: dict[Kind, str] = {
    "robots": "robots.txt",
    "tdmrep": "tdmrep.json",
    "policy": "the TDM policy",
    "rsl": "the RSL licence",
    "terms": "the page with the terms",
}
TYPES: dict[Kind, tuple[str, ...]] = {
    "robots": ("text/plain",),
    "tdmrep": ("application/json",),
    "policy": ("application/ld+json", "application/json"),
    "rsl": ("application/rsl+xml",),
    "terms": ("text/html", "application/xhtml+xml", "text/plain"),
}
_CHALLENGES = (
    "just a moment",
    "attention required",
    "verify you are human",
    "access denied",
    "are you a robot",
)


def check(gathered: Gathered, ledger: Ledger) -> None:
    """Look at every signal document that was asked for."""
    for kind, seen in gathered.documents.items():
        _status(gathered, kind, seen, ledger)
        _redirects(gathered, kind, seen, ledger)
        if not seen.is_read:
            continue
        last = seen.last
        wanted = " or ".join(TYPES[kind])
        ledger.check(
            last.media_type in TYPES[kind], "document-media-type", "error", [seen.path], wanted,
            last.media_type or "none",
            f"{NAMES[kind]} is served as {last.media_type or 'nothing'} instead of {wanted}",
        )  # fmt: skip
        ledger.check(
            bool(last.values(b"etag") or last.values(b"last-modified")), "document-no-validators", "warning",
            [seen.path], "ETag or Last-Modified", "neither",
            f"{NAMES[kind]} has neither ETag nor Last-Modified: nobody can ask whether it has changed",
        )  # fmt: skip
        _variants(gathered, kind, seen, ledger)


def is_challenge(one: Exchange) -> bool:
    """True for a page that asks the visitor to prove something instead of the answer."""
    if one.text(b"cf-mitigated").lower() == "challenge":
        return True
    if one.media_type != "text/html":
        return False
    title = read_page(one.body, one.url).title.lower()
    return any(title.startswith(words) for words in _CHALLENGES)


def _status(gathered: Gathered, kind: Kind, seen: DocumentSeen, ledger: Ledger) -> None:
    last, name = seen.last, NAMES[kind]
    if last.fault is not None:
        ledger.add(
            "document-broken", "error", [seen.path], "200", last.fault.message,
            f"{name} cannot be read: {last.fault.message}",
        )  # fmt: skip
    elif last.status in REFUSALS or (last.status == 200 and is_challenge(last)):
        meaning = " A crawler takes a refused robots.txt for permission." if kind == "robots" else ""
        what = str(last.status) if last.status != 200 else "a page with a challenge"
        ledger.add(
            "document-refused", "error", [seen.path], "200 for everybody", what,
            f"{name} is behind a refusal ({what}): bot walls and logins must let it through.{meaning}",
        )  # fmt: skip
    elif last.status >= 500:
        ledger.add(
            "document-broken", "error", [seen.path], "200", str(last.status),
            f"the server fails on {name} ({last.status})",
        )  # fmt: skip
    elif last.is_redirect:
        return
    else:
        ledger.check(
            last.status == 200, "document-missing", _severity(gathered, kind, seen), [seen.path], "200",
            str(last.status), f"{name} is not there ({last.status})" + (
                f", although {seen.named_by} names it" if seen.named_by and not gathered.expected else ""
            ),
        )  # fmt: skip


def _severity(gathered: Gathered, kind: Kind, seen: DocumentSeen) -> Severity:
    """A TDMRep file is one way of several, and the RSL terms may be anywhere."""
    optional = gathered.expected is None and kind in ("tdmrep", "terms")
    return "warning" if optional else "error"


def _redirects(gathered: Gathered, kind: Kind, seen: DocumentSeen, ledger: Ledger) -> None:
    hops = [*seen.hops, *([seen.last] if seen.last.is_redirect else [])]
    if not hops:
        ledger.passes()
        return
    target = hops[-1].text(b"location")
    stays = all(one.url.startswith(gathered.base + "/") for one in (*hops, seen.last))
    stays = stays and (not seen.last.is_redirect or target.startswith("/"))
    elsewhere = not stays and seen.path.startswith("/")
    statuses = " -> ".join(str(one.status) for one in hops)
    if elsewhere:
        message = f"{NAMES[kind]} is redirected to another {_elsewhere(gathered.base, target)}: {target}"
    elif seen.last.is_redirect:
        message = f"{NAMES[kind]} is redirected in a circle or too often, last to {target}"
    else:
        message = f"{NAMES[kind]} is redirected to {target}: serve it where it is looked for"
    severity: Severity = "error" if elsewhere or seen.last.is_redirect else "warning"
    ledger.add(
        "document-redirected",
        severity,
        [seen.path],
        "200 at this address",
        f"{statuses} to {target}",
        message,
    )


def _elsewhere(base: str, target: str) -> str:
    """What is another one there."""
    same = host_name(base.partition("://")[2].encode()) == host_name(urlsplit(target).netloc.encode())
    return "scheme or port" if same else "host"


def _variants(gathered: Gathered, kind: Kind, seen: DocumentSeen, ledger: Ledger) -> None:
    for one in gathered.on_site():
        if one.kind != kind or one.path != seen.last.path or one.variant == "plain":
            continue
        if one.variant == "head":
            ledger.check(
                one.status == 200, "document-head-differs", "error", [seen.path], "200", str(one.status),
                f"HEAD of {NAMES[kind]} is answered with {one.status}, GET with 200",
            )  # fmt: skip
        elif one.variant == "conditional":
            ledger.check(
                one.status == 304, "document-no-304", "warning", [seen.path], "304", str(one.status),
                f"{NAMES[kind]} is answered with {one.status} although it has not changed",
            )  # fmt: skip
        elif one.variant == "browser":
            ledger.check(
                one.status == 200 and one.body == seen.last.body, "document-by-user-agent", "error",
                [seen.path], "the same for everybody",
                f"{one.status}, {len(one.body)} bytes for a browser; 200, {len(seen.last.body)} otherwise",
                f"{NAMES[kind]} depends on who asks: it must be the same for everybody",
            )  # fmt: skip
