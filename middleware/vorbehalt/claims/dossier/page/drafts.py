"""The files beside the report: drafts in the language of their law, and sections of it as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vorbehalt.claims.dossier.contents_told import (
    Statement,
)
from vorbehalt.claims.dossier.page.blocks import Block, Cell, Column, Document, Table, Words
from vorbehalt.claims.dossier.page.front import period
from vorbehalt.claims.dossier.page.harmless import code, cut, markdown, shown
from vorbehalt.claims.dossier.page.marks import clock_faults
from vorbehalt.claims.dossier.page.render_html import environment
from vorbehalt.claims.dossier.page.render_markdown import blocks
from vorbehalt.claims.dossier.page.say import Say
from vorbehalt.claims.dossier.page.tables import anchors, clocks, custody_blocks, gaps, software
from vorbehalt.claims.dossier.page.values import Values, exact, words
from vorbehalt.claims.dossier.words import Words as Sentences

_LANGUAGE_OF = {"certificate-902-13": "en", "certificate-902-14": "en", "zeugenerklaerung": "de"}
_FROM_SECTION = {"exculpatory": "10", "limitations": "11", "system-description": "12", "VERIFY": "14"}
_PROBLEMS = 20
_BLANK_ROWS = 6
_FILES = (
    "report.html, report.pdf",
    "contents.json",
    "records.jsonl, records.csv, ledger.csv",
    "VERIFY.md, verify.py",
    "log/, anchors/, objects/",
    "certificate-902-13.md, certificate-902-14.md, zeugenerklaerung.md, custody.md",
    "system-description.md, limitations.md, exculpatory.md",
)
_FILE_WORDS = ("report", "contents", "records", "verify", "log", "drafts", "other")


def drafts(v: Values, whole: Document) -> dict[str, bytes]:
    """Return the files by name, in UTF-8."""
    texts = {f"{name}.md": _draft(v, name, language) for name, language in _LANGUAGE_OF.items()}
    by_number = {section.number: section for section in whole.sections}
    for name, number in _FROM_SECTION.items():
        section = by_number[number]
        head: list[Block] = [] if name == "VERIFY" else [Words(v.say("draft.counsel"), "box")]
        texts[f"{name}.md"] = f"# {markdown(section.title)}\n\n" + blocks([*head, *section.blocks])
    texts["custody.md"] = _custody(v)
    texts["README.txt"] = _readme(v)
    return {name: f"{text.strip()}\n".encode() for name, text in texts.items()}


def _draft(v: Values, name: str, language: str) -> str:
    """Fill a draft; what it says of the log is in its own language, not in that of the dossier."""
    contents = v.contents
    own = v if v.say.language == language else Values(contents, Say(language), {})
    say, problems = own.say, contents.verification.problems
    found = contents.limitations
    faults = clock_faults(found.clocks)
    more = [say("summary.more_problems", count=say.number(len(problems) - _PROBLEMS))]
    fine = contents.verification.ok and contents.summary.verifies
    facts: dict[str, Any] = {
        "operator": cut(contents.question.operator, 80),
        "period": period(own),
        "origin": cut(contents.pin.origin),
        "size": say.number(contents.pin.size),
        "root": cut(contents.pin.root),
        "checkpoint": cut(contents.pin.checkpoint_digest),
        "configuration": cut(contents.parties.configuration),
        "rules": cut(contents.parties.rules),
        "sites": cut(", ".join(site.origin for site in contents.parties.sites), 300),
        "enclosed": say.number(contents.summary.records_enclosed),
        "description": list(_sentences(v, contents.system.description, language)),
        "limits": list(_sentences(v, found.statements, language)),
        "clocks": say("fact.clocks" if faults else "fact.no_clocks", count=say.number(len(faults))),
        "gaps": say(
            "fact.gaps" if contents.summary.gaps else "fact.no_gaps", count=say.number(contents.summary.gaps)
        ),
        "anchors": say(
            "fact.anchors" if contents.system.anchors else "fact.no_anchors",
            count=say.number(len(contents.system.anchors)),
        ),
        "tool": say("fact.tool", software=cut(contents.system.software[-1].software, 80))
        if contents.system.software
        else "",
        "verification": say("fact.verified" if fine else "summary.fails"),
        "problems": [cut(problem, 200) for problem in problems[:_PROBLEMS]]
        + (more if len(problems) > _PROBLEMS else []),
        "software": _Ready(blocks([software(own, is_whole=True)])),
        "clock_table": _Ready(blocks([clocks(own)]) if faults else ""),
        "gap_table": _Ready(blocks([gaps(own)]) if found.gaps else ""),
        "anchor_table": _Ready(blocks([anchors(own)]) if contents.system.anchors else ""),
    }
    from markupsafe import Markup

    made = environment()
    made.trim_blocks = made.lstrip_blocks = True
    made.finalize = lambda item: (
        item
        if isinstance(item, Markup)
        else Markup(  # noqa: S704
            item.text if isinstance(item, _Ready) else markdown(str(item))
        )
    )
    made.filters["code"] = lambda text: Markup(code(text))  # noqa: S704
    return made.get_template(f"{name}.md.j2").render(facts)


class _Ready:
    """Markdown of ours, whose words are harmless already."""

    def __init__(self, text: str) -> None:
        self.text = text


def _sentences(v: Values, statements: Iterable[Statement], language: str) -> Iterable[str]:
    """Say statements in the language of a draft, by their codes and figures."""
    told = Sentences(language, v.contents.question.operator)
    for item in statements:
        if v.say.language == language:
            yield cut(item.sentence, 600)
            continue
        try:
            yield cut(told.say(item.code, origin=v.contents.pin.origin, **dict(item.figures)), 600)
        except KeyError:  # a sentence that is not ours: as it was written
            yield cut(item.sentence, 600)


def _custody(v: Values) -> str:
    """Return a custody sheet: the item, its first row, blanks to go on, and what the log says of custody."""
    say, contents = v.say, v.contents
    blank = words(say("custody.blank"))
    columns = ("date", "what", "from", "to", "why*", "digest_before*", "digest_after*", "signature")
    first = (
        blank,
        words(say("custody.created")),
        words(say("verify.origin")),
        words(contents.system.custodian) if contents.system.custodian else blank,
        blank,
        words(say("custody.before", root=contents.pin.root)),
        words(say("custody.after")),
        blank,
    )
    empty = tuple(Cell(" ") for _ in columns)
    item = say(
        "custody.item_text",
        operator=cut(contents.question.operator, 80),
        origin=cut(contents.pin.origin, 80),
        size=say.number(contents.pin.size),
    )
    sheet = Table(
        say("custody.sheet"),
        tuple(Column(say(f"column.{name.strip('*')}")) for name in columns),
        (first, *(empty for _ in range(_BLANK_ROWS))),
    )
    facts = Table(
        say("custody.item"),
        (Column(say("custody.item")), Column("SHA-256")),
        ((words(item, 240), exact(contents.pin.checkpoint_digest)),),
    )
    head: list[Block] = [Words(say("draft.counsel"), "box"), Words(say("custody.lead")), facts, sheet]
    return f"# {markdown(say('custody.heading'))}\n\n" + blocks([*head, *custody_blocks(v)])


def _readme(v: Values) -> str:
    say, contents = v.say, v.contents
    lines = [
        say("readme.title", operator=cut(contents.question.operator, 80)),
        period(v),
        say("readme.pinned", origin=cut(contents.pin.origin, 80), size=say.number(contents.pin.size)),
        "",
        *(
            part
            for name, key in zip(_FILES, _FILE_WORDS, strict=True)
            for part in (name, f"    {say(f'readme.{key}')}")
        ),
        "",
        say("readme.warning"),
    ]
    if not (contents.verification.ok and contents.summary.verifies):
        lines[3:3] = ["", say("summary.fails")]
    return "\n".join(shown(line) for line in lines)
