"""One letter: its blocks checked, and its files in every form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from vorbehalt.claims.notice.addressees import UNFILLED, Addressee
from vorbehalt.claims.notice.annexes import REQUESTS, WORKS, requests_lines, works_lines
from vorbehalt.claims.notice.as_html import as_html
from vorbehalt.claims.notice.as_mail import as_mail
from vorbehalt.claims.notice.as_pdf import Press
from vorbehalt.claims.notice.as_text import DRAFT, as_text
from vorbehalt.claims.notice.blocks import COUNSEL, QUOTED, Block, environment, letter_blocks
from vorbehalt.claims.notice.contents import contents_of
from vorbehalt.claims.notice.kinds import RESTS_ON, Kind
from vorbehalt.claims.notice.order import Material, Order
from vorbehalt.claims.notice.refusals import letter_problems, letter_to_remind_of
from vorbehalt.claims.notice.words import accusing
from vorbehalt.errors import ClaimError, Problem

if TYPE_CHECKING:
    from jinja2 import Environment

UNNUMBERED = "0000-0000"
"""Stands where the number of the register will."""


class Workshop:
    """What renders: made once for many letters. Raises ClaimError if the extra is not installed."""

    def __init__(self) -> None:
        self.texts: Environment = environment(autoescape=False)
        self.pages: Environment = environment(autoescape=True)

    @cached_property
    def press(self) -> Press:
        return Press()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter in all its forms, by file name; `text` is what the register keeps."""

    text: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Writing:
    """One letter that may be written: no problem was found."""

    order: Order
    to: Addressee
    material: Material
    workshop: Workshop

    @property
    def language(self) -> str:
        return self.order.language or self.to.language

    @property
    def operator(self) -> str:
        return self.material.operator(self.to.operator)

    @property
    def deadline(self) -> str | None:
        """The day until which an answer is asked for; an impostor report asks for none."""
        return None if self.order.kind is Kind.IMPOSTOR_REPORT else self.order.due.isoformat()

    @property
    def about(self) -> str:
        """The id of the letter that this one reminds of; empty for other kinds."""
        if self.order.kind is not Kind.REMINDER:
            return ""
        letter, _ = letter_to_remind_of(self.material.register, self.operator, self.to, self.order)
        return "" if letter is None else letter.id

    def problems(self, file: str) -> list[Problem]:
        """Return all that stops this letter, in facts and in words."""
        found = list(letter_problems(file, self.order, self.to, self.material))
        if found:
            return found
        try:
            blocks, _ = self._blocks(UNNUMBERED)
        except ClaimError as error:
            return [Problem(file, self.to.line, "", "V135", str(error))]
        return list(word_problems(file, self.to.line, blocks, self.language))

    def render(self, number: str) -> Rendered:
        """Return the files of the letter under a number. Raises ClaimError if one cannot be made."""
        order, language = self.order, self.language
        blocks, annexes = self._blocks(number)
        if wrong := list(word_problems("", self.to.line, blocks, language)):
            raise ClaimError(wrong[0].message)
        mark = {"is_draft": order.is_draft}
        text = as_text(blocks, language, **mark)
        html = as_html(self.workshop.pages, blocks, language, **mark)
        running = " · ".join(filter(None, (number, self.to.legal_name)))
        pdf = self.workshop.press.print(blocks, language, order.today, running, **mark)
        catalogue = self.material.catalogue
        if order.kind not in RESTS_ON and catalogue is not None and catalogue.body is not None:
            annexes = {WORKS: catalogue.body, **annexes}
        attached = {"letter.pdf": pdf, **annexes}
        mail = as_mail(blocks, self.to, language, text, html, attached, **mark)
        body = text.encode("utf-8", "replace")
        files = {"letter.txt": body, "letter.html": html.encode("utf-8", "replace"), "letter.eml": mail}
        return Rendered(body, {**files, **attached})

    def _blocks(self, number: str) -> tuple[tuple[Block, ...], dict[str, bytes]]:
        annexes = self._annexes()
        earlier = None
        if self.order.kind is Kind.REMINDER:
            earlier, _ = letter_to_remind_of(self.material.register, self.operator, self.to, self.order)
        said = contents_of(
            self.order, self.to, self.language, f"{DRAFT[self.language]}" if self.order.is_draft else number,
            self.material, annexes.get(REQUESTS, b""), earlier,
        )  # fmt: skip
        return letter_blocks(self.workshop.texts, self.order.kind, self.language, said), annexes

    def _annexes(self) -> dict[str, bytes]:
        standings = RESTS_ON.get(self.order.kind)
        if standings is None:
            return {}
        ledger = self.material.traffic[self.operator].ledger
        annexes = {REQUESTS: "".join(requests_lines(ledger, standings)).encode("utf-8", "replace")}
        if ledger.works_of(*standings, delivered=False):
            works = works_lines(ledger, standings, self.material.find_work)
            annexes[WORKS] = "".join(works).encode("utf-8", "replace")
        return annexes


def word_problems(file: str, line: int, blocks: Sequence[Block], language: str) -> Iterator[Problem]:
    """Yield what accuses or was not filled in. Titles are quoted, and what counsel says is counsel's."""
    for block in blocks:
        if block.mark in QUOTED or block.mark in COUNSEL:
            continue
        for word in accusing(block.text, language):
            yield Problem(
                file, line, "", "V135",
                f'the letter would say "{word}", which accuses; only text of counsel may (--counsel-text)',
            )  # fmt: skip
        if found := UNFILLED.search(block.text):
            yield Problem(file, line, "", "V135", f"the letter still holds a placeholder: {found[0]}")
