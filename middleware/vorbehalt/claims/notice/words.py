"""Words that accuse: no letter of ours holds one of them outside the text that counsel answers for. Pure.

Word forms in English, German and French, compared without case, accents and invisible characters, so that
neither an accent left out nor a soft hyphen hides one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_ANY = (
    # English
    r"thefts?", r"thie(?:f|ves)", r"thiev\w*", r"steal\w*", r"stole|stolen", r"illegal\w*", r"unlawful\w*",
    r"infring\w*", r"pira(?:t|c)\w*", r"\w*pira(?:terie|cy)", r"misappropriat\w*", r"crim(?:e|es|inal\w*)",
    r"fraud\w*", r"robb(?:ed|ery|eries|ing|er|ers)", r"wrongful\w*", r"violat(?:e|es|ed|ing|ion|ions|or|ors)",
    r"plunder\w*", r"unauthori[sz]ed\w*",
    # German, after folding: ä is a, ß is ss
    r"\w*diebsta(?:e)?hl\w*", r"dieb(?:e|es|en|isch\w*)?", r"(?:be)?stehl\w*", r"(?:be)?stiehl\w*",
    r"(?:be)?stahl(?:en|t)", r"(?:be)?gestohlen\w*|bestohlen\w*", r"\w*rechtswidrig\w*",
    r"widerrechtlich\w*", r"gesetz(?:es)?widrig\w*", r"unrechtma(?:e)?ssig\w*", r"\w*verletz\w*",
    r"raubkopi\w*", r"geraubt\w*", r"betrug\w*|betru(?:e)?g\w*", r"kriminell\w*", r"straf(?:tat|bar)\w*",
    r"plu(?:e)?nder\w*", r"entwend\w*", r"unerlaubt\w*", r"unbefugt\w*", r"missbra(?:e)?uch\w*",
    # French, after folding
    r"vole(?:e|s|es|ent|r|nt)?", r"voleu(?:r|rs|se|ses)", r"derob(?:e|er|es|ee|ees|ant|ent)", r"illega\w*",
    r"illicit\w*", r"contref\w*", r"enfrei\w*", r"viol(?:er|ent|ant|ee|ees)", r"delit\w*", r"delictue\w*",
    r"pill(?:er|age|ages|ent|ee|ees|ant|eur|eurs)", r"spoli\w*", r"criminel\w*", r"atteinte",
)  # fmt: skip
_ONE: Mapping[str, tuple[str, ...]] = {"fr": (r"vols?(?!\.)", r"viole?s?")}
"""Words that mean something harmless in the other languages."""

_PATTERNS = {
    language: re.compile(rf"\b(?:{'|'.join((*_ANY, *_ONE.get(language, ())))})\b")
    for language in ("de", "en", "fr")
}


@lru_cache(maxsize=4096)  # most of what letters say is the same in all of them
def accusing(text: str, language: str) -> tuple[str, ...]:
    """Return the accusing words of a text, each once, in order, as they were recognised (folded)."""
    return tuple(dict.fromkeys(match[0] for match in _PATTERNS[language].finditer(_folded(text))))


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Mn"))
