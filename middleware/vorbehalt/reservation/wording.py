"""The sentences that every channel for people shares, in the languages we speak."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language. `{}` in a template takes the one thing that its name says."""

    search: str
    training: str
    ai_input: str
    tdm: str
    tdm_except: str
    reserved: str
    """Templates: uses, party."""
    basis: str
    nothing_reserved: str
    own_rights: str
    on_behalf: dict[str, str]
    unnamed_operator: str
    unnamed_rightsholders: str
    allow_is_no_grant: str


WORDINGS = {
    "en": Wording(
        search="indexing for a search that points to this site",
        training="training of AI models",
        ai_input="input to AI systems at the time of an answer (retrieval, grounding, summaries)",
        tdm="text and data mining of any kind",
        tdm_except="text and data mining of any other kind than: {}",
        reserved="All rights to the following uses are expressly reserved: {uses}. Reserved by {party}.",
        basis="The reservation is made in machine-readable form under Article 4(3) of Directive (EU) 2019/790"
        " and section 44b(3) of the German Copyright Act (UrhG).",
        nothing_reserved="Nothing is reserved here beyond what the law itself reserves.",
        own_rights="{} for its own rights, including database rights",
        on_behalf={
            "owner": "",
            "licensee": ", and as licensee, where so entitled, on behalf of {}",
            "mandated": ", and under mandate, where so entitled, on behalf of {}",
        },
        unnamed_operator="the operator of this site",
        unnamed_rightsholders="the rightsholders of the works shown",
        allow_is_no_grant="That a page is served, or that robots.txt lets a crawler in, grants no licence.",
    ),
    "de": Wording(
        search="die Indexierung für eine Suche, die auf diese Website verweist",
        training="das Training von KI-Modellen",
        ai_input="die Eingabe in KI-Systeme bei der Beantwortung (Retrieval, Grounding, Zusammenfassungen)",
        tdm="Text und Data Mining jeder Art",
        tdm_except="Text und Data Mining jeder anderen Art als: {}",
        reserved="Alle Rechte an folgenden Nutzungen sind ausdrücklich vorbehalten: {uses}."
        " Den Vorbehalt erklärt {party}.",
        basis="Der Nutzungsvorbehalt wird in maschinenlesbarer Form nach Artikel 4 Absatz 3 der Richtlinie"
        " (EU) 2019/790 und § 44b Absatz 3 UrhG erklärt.",
        nothing_reserved="Über das Gesetz hinaus ist hier nichts vorbehalten.",
        own_rights="{} für die eigenen Rechte einschließlich der Rechte an Datenbanken",
        on_behalf={
            "owner": "",
            "licensee": " sowie als Lizenznehmer, soweit dazu berechtigt, für {}",
            "mandated": " sowie im Auftrag, soweit dazu berechtigt, für {}",
        },
        unnamed_operator="der Betreiber dieser Website",
        unnamed_rightsholders="die Rechteinhaber der gezeigten Werke",
        allow_is_no_grant="Dass eine Seite ausgeliefert wird oder die robots.txt einen Crawler zulässt,"
        " ist keine Lizenz.",
    ),
    "fr": Wording(
        search="l'indexation pour une recherche qui renvoie vers ce site",
        training="l'entraînement de modèles d'IA",
        ai_input="l'utilisation en entrée de systèmes d'IA au moment d'une réponse (recherche"
        " documentaire, ancrage, résumés)",
        tdm="la fouille de textes et de données de toute nature",
        tdm_except="la fouille de textes et de données de toute nature autre que\u00a0: {}",
        reserved="Tous les droits relatifs aux utilisations suivantes sont expressément réservés\u00a0:"
        " {uses}. La réserve est déclarée par {party}.",
        basis="La réserve est exprimée sous une forme lisible par machine au titre de l'article 4,"
        " paragraphe 3, de la directive (UE) 2019/790 et de l'article L. 122-5-3, III, du code de la"
        " propriété intellectuelle.",
        nothing_reserved="Rien n'est réservé ici au-delà de ce que la loi réserve elle-même.",
        own_rights="{} pour ses propres droits, y compris les droits sur les bases de données",
        on_behalf={
            "owner": "",
            "licensee": ", et en qualité de licencié, dans la mesure de ses pouvoirs, pour {}",
            "mandated": ", et en vertu d'un mandat, dans la mesure de ses pouvoirs, pour {}",
        },
        unnamed_operator="l'exploitant de ce site",
        unnamed_rightsholders="les titulaires des droits sur les œuvres présentées",
        allow_is_no_grant="Le fait qu'une page soit servie, ou que robots.txt laisse entrer un robot,"
        " n'accorde aucune licence.",
    ),
}


def clean(text: str) -> str:
    """Makes text safe for one line of any document: control, format and line-breaking characters become
    spaces, runs of white space one space."""
    kept = (" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join("".join(kept).split())


def default_language(terms: Terms) -> str:
    """The language for those who ask for none: the first of the site's that we speak, else English."""
    asked = (language.split("-", 1)[0].lower() for language in terms.languages)
    return next((language for language in asked if language in WORDINGS), "en")


def name_of_rightsholder(terms: Terms) -> str:
    """Who holds the rights, if one is named; an operator who is no owner is never put in that place."""
    alone = terms.on_behalf_of[0] if len(terms.on_behalf_of) == 1 else ""
    return clean(terms.rightsholder) or clean(terms.operator if terms.capacity == "owner" else alone)


def name_of_declarant(terms: Terms) -> str:
    """Who makes the declaration: the owner, or the operator who acts for others; empty if nobody is named."""
    if terms.capacity == "owner":
        return name_of_rightsholder(terms)
    return clean(terms.operator) or clean(terms.rightsholder)


def party(terms: Terms, language: str, show: Callable[[str], str] = clean) -> str:
    """Who reserves, in which capacity and for whom. `show` makes a name from outside fit for the document."""
    words = WORDINGS[language]
    holder, name = clean(terms.rightsholder), name_of_declarant(terms)
    others = terms.on_behalf_of or ((holder,) if holder and holder != name else ())
    for_others = words.on_behalf[terms.capacity].format(
        ", ".join(map(show, others)) or words.unnamed_rightsholders
    )
    return words.own_rights.format(show(name) if name else words.unnamed_operator) + for_others


def reserved_uses(uses: Uses, language: str) -> tuple[str, ...]:
    """The reserved uses in words; empty if nothing is reserved."""
    words = WORDINGS[language]
    special = [(uses.training, words.training), (uses.ai_input, words.ai_input)]
    reserved = [text for stance, text in special if stance == "reserve"]
    if uses.tdm == "reserve":
        open_kinds = [text for stance, text in special if stance == "allow"]
        mining = words.tdm_except.format(", ".join(open_kinds)) if open_kinds else words.tdm
        reserved.insert(0, mining)
    if uses.search == "reserve":
        reserved.append(words.search)
    return tuple(reserved)


def declaration(terms: Terms, uses: Uses, language: str) -> str:
    """The declaration for one set of uses, whole sentences on one line."""
    words = WORDINGS[language]
    reserved = reserved_uses(uses, language)
    if not reserved:
        return words.nothing_reserved
    sentence = words.reserved.format(uses="; ".join(reserved), party=party(terms, language))
    return f"{sentence} {words.basis}" if uses.reserves_mining else sentence
