"""The pieces of the page for people as HTML. All from outside is cleaned, escaped and isolated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from vorbehalt.reservation.headers import reservation_headers
from vorbehalt.reservation.page.languages import PAGE_WORDS
from vorbehalt.reservation.page.words import PageWords
from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Section, Terms
from vorbehalt.reservation.uses import Stance, Uses
from vorbehalt.reservation.wording import clean, party, reserved_uses

_SPELLINGS = {
    "tdm-reservation": "tdm-reservation",
    "tdm-policy": "tdm-policy",
    "content-usage": "Content-Usage",
}
_LINE = "<br>\n"


def name(text: str) -> str:
    """A name from outside: one line, no markup, and its writing direction stays its own."""
    return f"<bdi>{escape(clean(text))}</bdi>"


def declaration(terms: Terms, language: str) -> str:
    """Which uses are reserved, by whom and in which capacity."""
    words = PAGE_WORDS[language]
    lines: list[str] = []
    reserved = reserved_uses(terms.uses, language)
    if reserved:
        lines.append(_paragraph(words.declared_rest if terms.sections else words.declared))
        lines.append(_list(map(escape, reserved)))
    elif reserves_anything(terms):
        lines.append(_paragraph(words.declared_parts))
    if not reserves_anything(terms):
        return _section("declaration", words.declaration, [_paragraph(words.declared_nothing)])
    lines.append(f"<p>{escape(words.declared_by).format(party(terms, language, name))}</p>")
    return _section("declaration", words.declaration, lines)


def parts(terms: Terms, language: str) -> str:
    """Use by use: the rest of the site, then its parts. Parts with the same uses share one table."""
    words = PAGE_WORDS[language]
    lines = []
    if terms.sections:
        lines.append(_paragraph(words.patterns))
    lines.append(f"<h3>{escape(words.rest_of_site if terms.sections else words.whole_site)}</h3>")
    lines.append(_table(terms.uses, words))
    groups: dict[Uses, list[Section]] = {}
    for section in terms.sections:
        groups.setdefault(section.uses, []).append(section)
    for uses, sections in groups.items():
        if len(sections) == 1:
            lines.append(f"<h3>{escape(words.part).format(name(sections[0].name))}</h3>")
            lines += [f"<p>{line}</p>" for line in _scope(sections[0], words)]
            lines.append(_table(uses, words))
        else:
            lines.append(f"<h3>{escape(words.count_of_parts.format(len(sections)))}</h3>")
            # The table first: the list may be long.
            items = [f"{name(one.name)}: {_LINE.join(_scope(one, words))}" for one in sections]
            lines += [_table(uses, words), _list(items)]
    return _section("parts", words.parts, lines)


def allow(language: str) -> str:
    """What being served, let in, or open does not mean."""
    words = PAGE_WORDS[language]
    said = (words.allow_is_no_consent, words.open_is_no_licence, words.contracts)
    return _section("allow", words.allow, map(_paragraph, said))


def contacts(terms: Terms, language: str) -> str:
    """Whom to ask, and where the site's own terms are."""
    words = PAGE_WORDS[language]
    licence = terms.licence_contact if terms.may_license else ""
    lines = [_paragraph(words.ask_before)] if reserves_anything(terms) else []
    if terms.contact:
        lines.append(f"<p>{escape(words.ask)} {link(terms.contact)}</p>")
    if licence:
        lines.append(f"<p>{escape(words.ask_licence)} {link(licence)}</p>")
    if not terms.contact and not licence:
        lines.append(_paragraph(words.ask_nobody))
    if terms.policy_url:
        lines.append(f"<p>{escape(words.own_terms)} {link(terms.policy_url)}</p>")
    return _section("contacts", words.contacts, lines)


def readers(language: str) -> str:
    """What changes for people: nothing."""
    words = PAGE_WORDS[language]
    return _section("readers", words.readers, [_paragraph(words.readers_may)])


def legal_basis(terms: Terms, language: str) -> str:
    """The law that the declaration rests on, and what no reservation reaches."""
    words = PAGE_WORDS[language]
    if not reserves_anything(terms):
        return _section("legal-basis", words.legal_basis, [_paragraph(words.legal_nothing)])
    said = [words.legal_other, words.legal_research]
    if terms.reserves_mining:
        said.insert(0, words.legal_mining)
    return _section("legal-basis", words.legal_basis, map(_paragraph, said))


def machines(terms: Terms, language: str) -> str:
    """Where machines read the same terms."""
    words = PAGE_WORDS[language]
    documents = [(words.robots, terms.robots_path), (words.tdmrep, terms.tdmrep_path)]
    if terms.reserves_mining:
        documents.append((words.tdm_policy, terms.tdm_policy_path))
    documents.append((words.rsl, terms.rsl_path))
    items = [f"{escape(label)} {_own_link(terms, path)}" for label, path in documents]
    fields = dict.fromkeys(
        key.decode("ascii") for uses in terms.all_uses for key, _ in reservation_headers(terms, uses)
    )
    shown = ", ".join(f"<code>{_SPELLINGS.get(key) or key.title()}</code>" for key in fields)
    items.append(f"{escape(words.header_fields)} {shown}")
    lines = [_paragraph(words.machines_same), _list(items)]
    # Files know no media types, and one value for mining as a whole.
    if any(section.media for section in terms.sections) or any(map(_is_finer, terms.all_uses)):
        lines.append(_paragraph(words.machines_stricter))
    return _section("machines", words.machines, lines)


def about(terms: Terms, language: str) -> str:
    """The address of this page, so that it can be found again from paper."""
    return f"<p>{escape(PAGE_WORDS[language].this_page)} {_own_link(terms, terms.page_path)}</p>"


def reserves_anything(terms: Terms) -> bool:
    """True if any use is reserved anywhere on the site."""
    return not all(uses.is_open for uses in terms.all_uses)


def link(uri: str) -> str:
    """A link for the schemes that a contact may have; anything else is shown as text."""
    target = clean(uri)
    shown = escape(target[7:] if target.lower().startswith("mailto:") else target)
    if target.lower().startswith(("mailto:", "https:", "http:")):
        return f'<a href="{escape(target)}">{shown}</a>'
    return f"<bdi>{shown}</bdi>"


def _own_link(terms: Terms, path: str) -> str:
    """A document of this site: the whole address to be read on paper, the path to be followed."""
    return f'<a href="{escape(clean(path))}">{escape(clean(terms.origin + path))}</a>'


def _section(part: str, heading: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    return f'<section data-part="{part}">\n<h2>{escape(heading)}</h2>\n{body}\n</section>'


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _list(items: Iterable[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{item}</li>\n" for item in items) + "</ul>"


def _scope(section: Section, words: PageWords) -> Iterator[str]:
    """What a part covers, a line each: where, which kinds of file, which works, and whose they are."""
    yield ", ".join(
        escape(words.whole_site) if path == "/" else _code(document_form(path)) for path in section.paths
    )
    if section.media:
        yield f"{escape(words.only_for)} {', '.join(_media(one, words) for one in section.media)}"
    if section.works:
        yield f"{escape(words.works)} {', '.join(map(_work, section.works))}"
    if section.rightsholder:
        yield f"{escape(words.rightsholder)} {name(section.rightsholder)}"


def _media(media: str, words: PageWords) -> str:
    """A kind of file in a word people know, else the media type."""
    known = {"audio/*": words.audio, "video/*": words.video, "image/*": words.image}
    return escape(known[media]) if media in known else _code(media)


def _work(work: str) -> str:
    """`isrc:DEUM72600001` as people write it, ISRC DEUM72600001."""
    scheme, colon, number = work.partition(":")
    return f"{escape(clean(scheme.upper()))} {_code(number)}" if colon else _code(work)


def _code(text: str) -> str:
    return f"<code>{escape(clean(text))}</code>"


def _table(uses: Uses, words: PageWords) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(use)}</th><td>{stance}</td></tr>\n'
        for use, stance in _rows(uses, words)
    )
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in (words.use, words.stance))
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>"


def _rows(uses: Uses, words: PageWords) -> Iterator[tuple[str, str]]:
    yield words.search, _stance(uses.search, words)
    yield words.ai_input, _stance(uses.ai_input, words)
    yield words.training, _stance(uses.training, words)
    special = ((uses.training, words.except_training), (uses.ai_input, words.except_ai_input))
    exceptions = [escape(text) for stance, text in special if stance != uses.tdm]
    yield words.tdm, _stance(uses.tdm, words) + (f" ({'; '.join(exceptions)})" if exceptions else "")


def _stance(stance: Stance, words: PageWords) -> str:
    return f"<strong>{escape(words.reserved)}</strong>" if stance == "reserve" else escape(words.open)


def _is_finer(uses: Uses) -> bool:
    return len({uses.training, uses.ai_input, uses.tdm}) > 1
