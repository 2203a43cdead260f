"""TDM Reservation Protocol (W3C Community Group Final Report of 2024-05-10): file and ODRL policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vorbehalt.reservation.path_pattern import document_form
from vorbehalt.reservation.terms import Terms
from vorbehalt.reservation.uses import Uses
from vorbehalt.reservation.wording import clean, name_of_declarant

FILE_MEDIA_TYPE = "application/json"
POLICY_MEDIA_TYPE = "application/ld+json"


def locations(terms: Terms) -> list[dict[str, str | int]]:
    """The rules of tdmrep.json, most specific first and `/` last.

    In this order a reader that takes the first match and one that takes the longest agree; of equally long
    patterns the reserved one comes first.
    """
    rules = {
        document_form(path): section.uses
        for section in sorted(terms.sections, key=lambda section: section.uses.reserves_mining)
        for path in section.paths
    }
    rest = rules.pop("/", terms.uses)
    ordered = sorted(rules.items(), key=lambda item: (-len(item[0]), not item[1].reserves_mining, item[0]))
    return [_rule(terms, path, uses) for path, uses in [*ordered, ("/", rest)]]


def policy(terms: Terms) -> dict[str, Any]:
    """The policy: mining only with prior consent. An ODRL 2.2 Offer in the TDMRep profile."""
    assigner: dict[str, str] = {"uid": terms.origin}
    name = name_of_declarant(terms)
    if name:
        assigner["vcard:fn"] = name
    contact = terms.licence_contact if terms.may_license and terms.licence_contact else terms.contact
    if contact.lower().startswith("mailto:"):
        assigner["vcard:hasEmail"] = clean(contact)
        assigner["vcard:hasURL"] = clean(terms.page_uri)
    else:
        assigner["vcard:hasURL"] = clean(contact or terms.page_uri)
    return {
        "@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"],
        "@type": "Offer",
        "profile": "http://www.w3.org/ns/tdmrep",
        "uid": terms.tdm_policy_uri,
        "assigner": assigner,
        "permission": [{"action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}],
    }


def render_file(terms: Terms) -> bytes:
    """tdmrep.json as served."""
    return _json(locations(terms))


def render_policy(terms: Terms) -> bytes:
    """The policy document as served."""
    return _json(policy(terms))


def _rule(terms: Terms, path: str, uses: Uses) -> dict[str, str | int]:
    rule: dict[str, str | int] = {"location": path, "tdm-reservation": int(uses.reserves_mining)}
    if uses.reserves_mining:
        rule["tdm-policy"] = terms.tdm_policy_uri
    return rule


def _json(value: list[dict[str, str | int]] | Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")
