"""What the template of a letter is filled with. Every text is one harmless line (`wording.one_line`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import Any
from urllib.parse import quote

from vorbehalt.claims.ledger import ATTRIBUTED
from vorbehalt.claims.ledger_rows import told
from vorbehalt.claims.notice.addressees import Addressee
from vorbehalt.claims.notice.countries import country_line
from vorbehalt.claims.notice.in_force import InForce
from vorbehalt.claims.notice.kinds import RESTS_ON, Kind
from vorbehalt.claims.notice.order import Material, Order
from vorbehalt.claims.notice.wording import day_of, figure, long_day, one_line
from vorbehalt.claims.register import DELIVERED, SENT, Letter
from vorbehalt.facts import Standing

_TITLES = 5
_USES: Mapping[str, Mapping[str, str]] = {
    "en": {"search": "indexing for search", "training": "training of AI models",
           "ai_input": "input to answers of AI systems", "tdm": "text and data mining"},
    "de": {"search": "Indexierung für die Suche", "training": "Training von KI-Modellen",
           "ai_input": "Eingabe für Antworten von KI-Systemen", "tdm": "Text und Data Mining"},
    "fr": {"search": "indexation pour la recherche", "training": "entraînement de modèles d’IA",
           "ai_input": "alimentation de réponses de systèmes d’IA", "tdm": "fouille de textes et de données"},
}  # fmt: skip
_WITHIN = {"en": "Between {} and {}", "de": "Zwischen dem {} und dem {}", "fr": "Entre le {} et le {}"}
_ON = {"en": "On {}", "de": "Am {}", "fr": "Le {}"}
_ASSURANCE: Mapping[str, Mapping[str, str]] = {
    "en": {"self-attested": "our own statement", "timestamped": "time stamps of others",
           "witnessed": "cosignatures of witnesses", "qualified": "qualified time stamps"},
    "de": {"self-attested": "unsere eigene Angabe", "timestamped": "Zeitstempel anderer",
           "witnessed": "Gegenzeichnungen von Zeugen", "qualified": "qualifizierte Zeitstempel"},
    "fr": {"self-attested": "notre propre indication", "timestamped": "horodatages de tiers",
           "witnessed": "contresignatures de témoins", "qualified": "horodatages qualifiés"},
}  # fmt: skip


def contents_of(
    order: Order, to: Addressee, language: str, number: str, material: Material, requests: bytes,
    earlier: Letter | None,
) -> dict[str, object]:  # fmt: skip
    """Return what the template gets; `requests` is the annex of requests, empty where there is none."""
    sender = material.sender
    return {
        "kind": order.kind.value,
        "number": number,
        "date": long_day(order.today, language),
        "due": "" if order.kind is Kind.IMPOSTOR_REPORT else long_day(order.due, language),
        "capacity": sender.capacity,
        "licence": sender.licence,
        "me": {
            "name": sender.name,
            "holders": sender.holders,
            "contact": sender.contact,
            "letterhead": sender.letterhead,
            "origins": ", ".join(one_line(place.origin) for place in material.reservations),
        },
        "to": _party(to, material.operator(to.operator), language),
        "reservations": [_place(place, language) for place in material.reservations],
        "catalogue": _catalogue(order, material, language),
        "counsel": order.counsel,
        "facts": _facts(order, to, language, material, requests),
        "earlier": _earlier(earlier, to, language, material),
    }


def _party(to: Addressee, operator: str, language: str) -> dict[str, object]:
    return {
        "operator": one_line(operator),
        "legal_name": to.legal_name,
        "address": to.address,
        "country": country_line(to.country, language),
        "eu_representative": to.eu_representative,
        "rights_contact": to.rights_contact,
        "is_research": to.is_research,
    }


def _place(place: InForce, language: str) -> dict[str, object]:
    words = _USES[language]
    return {
        "origin": one_line(place.origin),
        "uses": ", ".join(words.get(use, use) for use in place.uses),
        "sections": place.has_sections,
        "since": long_day(day_of(place.since), language),
        "set_since": long_day(day_of(place.set_since), language),
        "digest": place.digest,
        "record": place.record,
        "documents": [
            {"url": one_line(f"{place.origin}{quote(path, safe='/%')}"), "digest": digest}
            for path, digest in place.documents
        ],
    }


def _catalogue(order: Order, material: Material, language: str) -> dict[str, object] | None:
    listed = material.catalogue
    # A letter with facts encloses the works that these are about, under the same name.
    if listed is None or order.kind in RESTS_ON:
        return None
    return {
        "count": figure(listed.count, language),
        "digest": listed.digest,
        "enclosed": listed.body is not None,
    }


def _facts(
    order: Order, to: Addressee, language: str, material: Material, requests: bytes
) -> dict[str, Any] | None:
    standings = RESTS_ON.get(order.kind)
    if standings is None:
        return None
    traffic = material.traffic[material.operator(to.operator)]
    ledger = traffic.ledger
    counts = told(ledger.total(*standings))
    works = sorted(ledger.works_of(*standings, delivered=True))
    found = (work.title for id in works if (work := material.find_work(id)) is not None and work.title)
    # The lyrics and the recording of a song are two works with one title.
    titles = dict.fromkeys(map(one_line, found))
    first = day_of(order.since or counts["first"])
    last = min(day_of(counts["last"] if order.until is None else order.until - 1), order.today)
    since, until = long_day(first, language), long_day(last, language)
    rollups = sum(line.counts["requested"] for line in ledger.rollups.lines() if line.standing in standings)
    figures = {
        **{
            name: counts[name] for name in ("requested", "refused", "delivered", "bytes", "unknown", "joined")
        },
        "works": len(works),
        "impostors": ledger.total(Standing.CONTRADICTED)["requested"],
        "disallowed": sum(traffic.disallowed.get(standing.value, 0) for standing in standings),
        "licensed": sum(traffic.licensed.get(standing.value, 0) for standing in standings),
        "gaps": ledger.gaps,
        "cut": ledger.cut,
        "pruned": ledger.pruned,
        "rollups": rollups,
        "size": material.log.size,
    }
    # Zero stays a number: the templates leave out what did not happen.
    shown = {name: figure(n, language) if n or name in _ALWAYS else 0 for name, n in figures.items()}
    return {
        **shown,
        "since": since,
        "until": until,
        "when": (_WITHIN if first != last else _ON)[language].format(since, until),
        "titles": [*islice(titles, _TITLES)],
        "digest": sha256(requests).hexdigest(),
        "root": material.log.root,
        "assurance": _ASSURANCE[language].get(material.log.assurance, material.log.assurance),
    }


_ALWAYS = frozenset({"requested", "refused", "delivered", "bytes", "size"})


def _earlier(
    letter: Letter | None, to: Addressee, language: str, material: Material
) -> dict[str, object] | None:
    if letter is None:
        return None
    sent = letter.first(SENT) or letter.first(DELIVERED)
    traffic = material.traffic.get(material.operator(to.operator))
    later = 0 if traffic is None else traffic.ledger.total(*ATTRIBUTED)["requested"]
    return {
        "id": letter.id,
        "date": _written(letter.date, language),
        "sent": _written(sent.date if sent is not None else letter.date, language),
        "due": _written(letter.due, language) if letter.due else "",
        "later": figure(later, language) if later else 0,
    }


def _written(day: str, language: str) -> str:
    return long_day(date.fromisoformat(day), language)
