"""Tables that stand in the report and in drafts: software, anchors, custody, gaps, clocks."""

from __future__ import annotations

from vorbehalt.claims.dossier.contents_told import (
    Anchor,
)
from vorbehalt.claims.dossier.page.blocks import Block, Cell, Table, Words
from vorbehalt.claims.dossier.page.values import Values, digest, exact, listed, words
from vorbehalt.claims.ledger_text import moment

_MOST = 30
_TIMES = frozenset({"first_at", "last_at", "from", "to"})
_DIGITS_OF_A_TIME = 19


def software(v: Values, *, is_whole: bool = False) -> Table | Words:
    """Return what wrote the log, with the digests of rules and configuration; whole ones for drafts."""
    sha = exact if is_whole else digest
    return v.table(
        "system.software",
        ("#record", "since", "software**", "rules", "rules_digest*", "config*", "task"),
        "system.software",
        lambda row, it: (
            v.number(f"{row}.index"),
            words(v.say.moment(it.at)),
            words(it.software, 80),
            words(it.rules, 60),
            sha(it.rules_digest),
            sha(it.config),
            words(it.task, 60),
        ),
        most=_MOST,
    )


def anchors(v: Values) -> Table | Words:
    """Return what others said of the log, and when."""
    return v.table(
        "system.anchors",
        ("#record", "kind*", "name*", "#covers", "time*", "checked*", "files**"),
        "system.anchors",
        lambda row, it: (
            v.number(f"{row}.index"),
            words(v.say.term("anchor", it.kind)),
            words(it.name, 80),
            v.number(f"{row}.size"),
            words(v.say.moment(it.time)),
            _checked(v, it),
            listed(it.files, 120),
        ),
        most=_MOST,
    )


def gaps(v: Values) -> Block:
    return faults(v, "limitations.gaps")


def clocks(v: Values) -> Block:
    return faults(v, "limitations.clocks")


def faults(v: Values, name: str) -> Block:
    """Return records of what went wrong, with all that they say."""
    if not v.at(name) and name.startswith("limitations."):
        return Words(v.say(f"{name}_none"), "small")
    return v.table(
        name,
        ("#record", "recorded", "kind", "says****"),
        name,
        lambda row, it: (
            v.number(f"{row}.index"),
            words(v.say.moment(it.at)),
            words(v.say.term("fault", it.kind)),
            words(", ".join(f"{key}: {_said(v, key, text)}" for key, text in it.says), 260),
        ),
        most=_MOST,
    )


def custody_blocks(v: Values) -> list[Block]:
    """Return the custody sheet as the log knows it: who opened, held, destroyed, exported."""
    say = v.say
    return [
        Words(say("custody.title"), "sub"),
        v.table(
            "custody.rows",
            ("#record", "recorded", "what", "who", "why**", "detail**"),
            "system.custody",
            lambda row, it: (
                v.number(f"{row}.index"),
                words(say.moment(it.at)),
                words(say.term("custody_what", it.what)),
                words(it.who, 80),
                words(it.why, 160),
                words(it.detail, 160),
            ),
        ),
    ]


def _said(v: Values, key: str, text: str) -> str:
    """Return what a record says as people read it: its times are nanoseconds since 1970."""
    is_time = key.rpartition(".")[2] in _TIMES and text.isdecimal() and len(text) == _DIGITS_OF_A_TIME
    return v.say.moment(moment(int(text))) if is_time else text


def _checked(v: Values, it: Anchor) -> Cell:
    text = v.say("word.yes" if it.is_checked else "word.no")
    return words(f"{text}, {v.say('word.qualified')}" if it.is_qualified else text)
