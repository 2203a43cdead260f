"""The letters to the operator, and what came after them."""

from __future__ import annotations

from collections.abc import Iterable

from vorbehalt.claims.dossier.contents_parts import (
    AfterNotice,
    NoticeLetter,
    NoticeStep,
)
from vorbehalt.claims.dossier.figures import Figures
from vorbehalt.claims.dossier.tallying import ATTRIBUTED_NAME, DESCRIBED_NAME, by_text, counts_of
from vorbehalt.claims.ledger import ATTRIBUTED
from vorbehalt.claims.ledger_text import moment
from vorbehalt.claims.register import NOTICE, Letter, Register, register_of
from vorbehalt.evidence.tlog.leaf import decode_leaf

_MARK = f'"type":"{NOTICE}"'.encode("ascii")


def letters_in(entries: Iterable[tuple[int, bytes]]) -> Register:
    """Return the register of the letters that the enclosed records tell of."""
    return register_of((index, decode_leaf(entry)) for index, entry in entries if _MARK in entry)


def notice_of(figures: Figures, register: Register, since: int | None) -> AfterNotice:
    """Return section 8; `since` is nanoseconds UTC, None: no letter gave notice."""
    after = by_text(figures.tally.book("notice")).get("after", {})
    delivered = {
        line.work
        for line in figures.tally.book("notice-works").lines()
        if line.work and line.standing in ATTRIBUTED and line.counts["whole"] + line.counts["part"]
    }
    return AfterNotice(
        since="" if since is None else moment(since),
        letters=tuple(map(_letter, register.letters)),
        attributed=counts_of(after.get(ATTRIBUTED_NAME, ())),
        described=counts_of(after.get(DESCRIBED_NAME, ())),
        works=tuple(sorted(delivered)),
    )


def _letter(letter: Letter) -> NoticeLetter:
    return NoticeLetter(
        id=letter.id,
        kind=letter.kind,
        language=letter.language,
        date=letter.date,
        due=letter.due or "",
        digest=letter.digest,
        approved_by=letter.approved_by,
        is_open=letter.is_open,
        steps=tuple(
            NoticeStep(step.name, moment(step.at), step.date, step.note, step.digest, step.index)
            for step in letter.steps
        ),
    )
