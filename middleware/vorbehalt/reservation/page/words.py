"""The words of the page for people. What is declared in other channels too stands in `wording`.

The citations: Directive (EU) 2019/790 Art. 3 (research, no reservation) and Art. 4(3); UrhG sections 60d and
44b(3); Code de la propriété intellectuelle, article L. 122-5-3, II (research) and III (objection).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageWords:
    """Plain text, no markup. `{}` takes the one thing that the name of the field says."""

    language: str
    """The name of the language in itself."""
    languages: str
    title: str
    declaration: str
    declared: str
    declared_rest: str
    declared_parts: str
    declared_by: str
    declared_nothing: str
    parts: str
    whole_site: str
    rest_of_site: str
    part: str
    count_of_parts: str
    patterns: str
    only_for: str
    audio: str
    video: str
    image: str
    works: str
    rightsholder: str
    use: str
    stance: str
    search: str
    ai_input: str
    training: str
    tdm: str
    reserved: str
    open: str
    except_training: str
    except_ai_input: str
    allow: str
    allow_is_no_consent: str
    open_is_no_licence: str
    contracts: str
    contacts: str
    ask_before: str
    ask: str
    ask_licence: str
    ask_nobody: str
    own_terms: str
    readers: str
    readers_may: str
    legal_basis: str
    legal_mining: str
    legal_other: str
    legal_research: str
    legal_nothing: str
    machines: str
    machines_same: str
    machines_stricter: str
    robots: str
    tdmrep: str
    tdm_policy: str
    rsl: str
    header_fields: str
    this_page: str
