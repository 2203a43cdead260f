"""All sections of a dossier in their order, from contents alone."""

from __future__ import annotations

from vorbehalt.claims.dossier.page import annex, closing, conduct, front, middle, reserved
from vorbehalt.claims.dossier.page.blocks import Document
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.values import Values

_ORDER = (
    front.summary,
    front.parties,
    reserved.reservation,
    reserved.schedule,
    middle.traffic,
    middle.attribution,
    conduct.robots,
    conduct.after_refusal,
    conduct.after_notice,
    conduct.disclosures,
    closing.exculpatory,
    closing.limitations,
    closing.system,
    closing.drafts,
    closing.verify,
    annex.not_attributed,
    annex.glossary,
)


def document(v: Values) -> Document:
    """Return the whole dossier as blocks."""
    operator = cut(v.contents.question.operator, 60)
    return Document(
        language=v.say.language,
        title=v.say("word.title", operator=operator),
        running=v.say("word.running", operator=cut(operator, 40), size=v.say.number(v.contents.pin.size)),
        made=v.contents.pin.last_record,
        sections=tuple(section(v) for section in _ORDER),
    )
