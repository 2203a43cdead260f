"""The page for people: what is reserved and whom to ask, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Terms, Uses
from vorbehalt.reservation.wording import WORDINGS, clean, declaration, languages, reserved_uses

MEDIA_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Words:
    title: str
    rest: str
    section: str
    open_part: str
    ask: str
    ask_licence: str
    ask_nobody: str
    machines: str
    machines_intro: str
    own_terms: str


_WORDS = {
    "en": _Words(
        title="Use of this site by AI systems and for text and data mining",
        rest="What is reserved",
        section="What holds for the part “{}”",
        open_part="Nothing is reserved for this part.",
        ask="Questions and requests for permission:",
        ask_licence="Requests for a licence:",
        ask_nobody="No contact has been named.",
        machines="For machines",
        machines_intro="The same terms in the forms that machines read:",
        own_terms="The full terms of this site",
    ),
    "de": _Words(
        title="Nutzung dieser Website durch KI-Systeme und für Text und Data Mining",
        rest="Was vorbehalten ist",
        section="Was für den Bereich „{}“ gilt",
        open_part="Für diesen Bereich ist nichts vorbehalten.",
        ask="Fragen und Bitten um Erlaubnis:",
        ask_licence="Lizenzanfragen:",
        ask_nobody="Es ist keine Kontaktadresse angegeben.",
        machines="Für Maschinen",
        machines_intro="Dieselben Bedingungen in den Formen, die Maschinen lesen:",
        own_terms="Die vollständigen Bedingungen dieser Website",
    ),
}

_STYLE = (
    "body{max-width:42rem;margin:2rem auto;padding:0 1rem;font:1.05rem/1.6 system-ui,sans-serif;"
    "color:#1a1a1a;background:#fff}a{color:#0645ad}h1,h2{line-height:1.25}"
    "code{overflow-wrap:anywhere}article+article{border-top:1px solid #767676;margin-top:3rem}"
    "@media print{body{margin:0;max-width:none}}"
)


def render(terms: Terms) -> bytes:
    """The whole page, each language in a part of its own; the first is the language of the document."""
    spoken = languages(terms)
    lines = [
        "<!doctype html>",
        f'<html lang="{spoken[0]}">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_title(terms, spoken[0])}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
    ]
    for position, language in enumerate(spoken):
        lines.extend(_article(terms, language, "h1" if position == 0 else "h2"))
    lines.extend(("</main>", "</body>", "</html>"))
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _title(terms: Terms, language: str) -> str:
    operator = clean(terms.operator)
    return escape(_WORDS[language].title + (f" – {operator}" if operator else ""))


def _article(terms: Terms, language: str, heading: str) -> Iterator[str]:
    words = _WORDS[language]
    below = "h2" if heading == "h1" else "h3"
    yield f'<article lang="{language}">'
    yield f"<{heading}>{escape(words.title)}</{heading}>"
    yield f"<{below}>{words.rest}</{below}>"
    yield f"<p>{escape(declaration(terms, terms.uses, language))}</p>"
    for section in terms.sections:
        yield f"<{below}>{escape(words.section.format(clean(section.name)))}</{below}>"
        paths = ", ".join(f"<code>{escape(document_form(path))}</code>" for path in section.paths)
        yield f"<p>{paths}</p>"
        yield f"<p>{escape(_of_section(terms, section.uses, language))}</p>"
    yield f"<p>{escape(WORDINGS[language].allow_is_no_grant)}</p>"
    yield from _contacts(terms, words)
    yield f"<{below}>{words.machines}</{below}>"
    yield f"<p>{words.machines_intro}</p>"
    yield "<ul>"
    policy = (terms.tdm_policy_path,) if terms.reserves_mining else ()
    for path in (terms.robots_path, terms.tdmrep_path, *policy, terms.rsl_path):
        yield f'<li><a href="{escape(path)}">{escape(path)}</a></li>'
    yield "</ul>"
    yield "</article>"


def _of_section(terms: Terms, uses: Uses, language: str) -> str:
    if not reserved_uses(uses, language):
        return _WORDS[language].open_part
    return declaration(terms, uses, language)


def _contacts(terms: Terms, words: _Words) -> Iterator[str]:
    if terms.contact:
        yield f"<p>{words.ask} {_link(terms.contact)}</p>"
    if terms.may_license and terms.licence_contact:
        yield f"<p>{words.ask_licence} {_link(terms.licence_contact)}</p>"
    if terms.policy_url:
        yield f'<p><a href="{escape(clean(terms.policy_url))}">{words.own_terms}</a></p>'
    if not terms.contact and not (terms.may_license and terms.licence_contact):
        yield f"<p>{words.ask_nobody}</p>"


def _link(uri: str) -> str:
    """A link for the schemes that a contact may have; anything else is shown as text."""
    target = clean(uri)
    shown = escape(target[7:] if target.lower().startswith("mailto:") else target)
    if target.lower().startswith(("mailto:", "https:", "http:")):
        return f'<a href="{escape(target)}">{shown}</a>'
    return shown
