"""The form of reservation headers: each once, in the words that its readers know."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import urlsplit

from vorbehalt.identify.structured import Item, Token, parse_dictionary
from vorbehalt.probe import readings
from vorbehalt.probe.exchange import Exchange
from vorbehalt.probe.finding import Ledger, Severity
from vorbehalt.probe.gather import Gathered
from vorbehalt.reservation.vocabulary import Labels, Vocabulary

NAMES = (b"tdm-reservation", b"tdm-policy", b"content-usage", b"x-robots-tag", b"link")
_FOREIGN_LABELS = {
    "ai-train": "Content-Signal and RSL; here it is train-ai",
    "ai-input": "Content-Signal and RSL; here it is ai-use",
    "train-genai": "an older draft; now it is train-ai",
    "bots": "an older draft",
    "all": "RSL or an older draft",
    "ai": "an older draft",
    "genai": "an older draft",
    "tdm": "an older draft",
    "noai": "X-Robots-Tag",
}


def present(one: Exchange, vocabulary: Vocabulary) -> frozenset[bytes]:
    """Names of the reservation headers that a reply carries, whatever their form."""
    found = {name for name in NAMES[:3] if one.values(name)}
    if readings.noai(one.text(b"x-robots-tag"), vocabulary):
        found.add(b"x-robots-tag")
    if any(type_ == "application/rsl+xml" for _, type_ in readings.licences(one.text(b"link"))):
        found.add(b"link")
    return frozenset(found)


def check(gathered: Gathered, ledger: Ledger) -> None:
    """Look at every header of every reply; the same flaw is said once with all its paths."""
    flaws: dict[tuple[str, Severity, str, str, str], list[str]] = defaultdict(list)
    for one in gathered.on_site():
        found = [
            *_repeated(one),
            *_reservation(one),
            *_policy(one),
            *_usage(one, gathered.vocabulary.aipref),
            *_link(one),
        ]
        if not found and present(one, gathered.vocabulary):
            ledger.passes()
        for flaw in found:
            flaws[flaw].append(one.path)
    for (id, severity, expected, observed, message), paths in flaws.items():
        ledger.add(id, severity, paths, expected, observed, message)


Flaw = tuple[str, Severity, str, str, str]


def _repeated(one: Exchange) -> list[Flaw]:
    found: list[Flaw] = []
    for name in NAMES[:3]:
        values = [value.decode("latin-1") for value in one.values(name)]
        text = name.decode()
        if len(values) > 1:
            found.append(
                ("header-repeated", "error", f"{text} once", " | ".join(values),
                 f"{text} stands {len(values)} times in one reply: readers join the lines, and the result"
                 " means nothing or something else; two places set it")
            )  # fmt: skip
    licences = [
        target for target, type_ in readings.licences(one.text(b"link")) if type_ == "application/rsl+xml"
    ]
    if len(licences) > 1:
        severity: Severity = "warning" if len(set(licences)) == 1 else "error"
        found.append(
            ("header-repeated", severity, "one Link to the RSL licence", " | ".join(licences),
             f"Link names an RSL licence {len(licences)} times; two places set it")
        )  # fmt: skip
    return found


def _reservation(one: Exchange) -> list[Flaw]:
    return [
        ("header-malformed", "error", "tdm-reservation: 1 or 0", value.decode("latin-1"),
         f"tdm-reservation is {value.decode('latin-1')!r}: only 1 and 0 are understood, all else is unset")
        for value in dict.fromkeys(one.values(b"tdm-reservation"))
        if value not in (b"0", b"1")
    ]  # fmt: skip


def _policy(one: Exchange) -> list[Flaw]:
    found: list[Flaw] = []
    for value in dict.fromkeys(one.values(b"tdm-policy")):
        text = value.decode("latin-1")
        try:
            parts = urlsplit(text)
            is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text
        except ValueError:
            is_url = False
        if not is_url:
            found.append(
                (
                    "header-malformed",
                    "error",
                    "an absolute URL",
                    text,
                    f"tdm-policy is no absolute URL: {text!r}",
                )
            )
    return found


def _usage(one: Exchange, labels: Labels) -> list[Flaw]:
    value = one.text(b"content-usage")
    if not one.values(b"content-usage"):
        return []
    try:
        members = parse_dictionary(value.encode("latin-1"))
    except ValueError as error:
        return [
            ("header-malformed", "error", "a structured-field dictionary such as train-ai=n, search=y", value,
             f"Content-Usage does not parse, so none of it counts: {error}")
        ]  # fmt: skip
    found: list[Flaw] = []
    words, answers = list(labels.labels.values()), (labels.allowed, labels.reserved)
    known = [label for label in words if label in members]
    for label in known:
        member = members[label]
        if not (
            isinstance(member, Item) and isinstance(member.value, Token) and member.value.text in answers
        ):
            found.append(
                ("header-malformed", "error", f"{label}={labels.allowed} or {label}={labels.reserved}", value,
                 f"Content-Usage: {label} has neither the token {' nor '.join(answers)}, so it says nothing")
            )  # fmt: skip
    for label in members:
        if label in _FOREIGN_LABELS and label not in words:
            found.append(
                ("header-vocabulary", "error", ", ".join(words), value,
                 f"Content-Usage: {label} is no label of it, but a word of {_FOREIGN_LABELS[label]}")
            )  # fmt: skip
    if not known and not found:
        found.append(
            ("header-vocabulary", "error", ", ".join(words), value,
             "Content-Usage names no use that its readers know")
        )  # fmt: skip
    return found


def _link(one: Exchange) -> list[Flaw]:
    found: list[Flaw] = []
    for target, type_ in readings.licences(one.text(b"link")):
        if type_ == "application/rsl+xml" and not target.startswith(("https://", "http://")):
            found.append(
                ("header-malformed", "warning", "an absolute URL", target,
                 f"Link rel=license names {target!r}: an absolute URL is understood by more readers")
            )  # fmt: skip
        elif type_ in ("application/xml", "text/xml"):
            found.append(
                ("header-malformed", "error", 'type="application/rsl+xml"', type_,
                 f"Link rel=license gives the type {type_}: a reader of RSL looks for application/rsl+xml")
            )  # fmt: skip
    return found
