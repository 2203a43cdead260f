"""The ids of everything that `check` can say about a configuration. Stable: an id never changes its meaning.

`V0..` are errors: the configuration is not used. `V1..` are warnings: it is used, but should be looked at;
`V133` to `V136` stop letters (`notice`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "V001": "The file is not TOML.",
        "V002": "The file cannot be read.",
        "V003": "The key is unknown.",
        "V004": "The value has the wrong type.",
        "V005": "A key that is needed is missing or empty.",
        "V006": "The format is missing or of another version.",
        "V007": "The value is not one of those allowed.",
        "V008": "The text holds control characters, which could forge lines in headers or documents.",
        "V009": "The URL or origin is malformed.",
        "V010": "The contact is no mailto: or https: address.",
        "V011": "The text is no network or address.",
        "V012": "Everybody would be trusted to say who the client is.",
        "V013": "The rule's name is malformed or reserved.",
        "V014": "The limit is malformed.",
        "V015": "Action and limit of the rule do not go together.",
        "V016": "The date is malformed.",
        "V017": "Two rules have the same name.",
        "V018": "No crawler has this product token.",
        "V019": "No operator has this name.",
        "V020": "The host name is malformed.",
        "V021": "Two hosts or two sections have the same name.",
        "V022": "The path pattern is malformed, or two sections claim the same paths.",
        "V023": "The duration is malformed.",
        "V024": "The address to listen on is malformed.",
        "V025": "The rules cannot be used.",
        "V026": "There is no preset of this name.",
        "V027": "The list of this proxy network is not shipped.",
        "V028": "A file that is named does not exist.",
        "V029": "The rule would refuse search engines.",
        "V030": "The rule names a section that does not exist.",
        "V031": "The terms would contradict themselves, or readers would take them differently.",
        "V032": "The template of the page for people cannot be used.",
        "V033": "The text is no media type.",
        "V034": "The text is no identifier of a work.",
        "V035": "The permission is malformed, or given twice.",
        "V036": "The file holds no certificates that could be pinned.",
        "V037": "The text is no key of a witness.",
        "V038": "Two anchors have the same name.",
        "V039": "The catalogue of works cannot be used.",
        "V040": "The text is no URL pattern of works.",
        "V101": "The policy refuses what the reservation allows.",
        "V102": "The policy answers what the reservation reserves.",
        "V105": "This look-up needs an extra that is not installed.",
        "V107": "This part of the evidence settings has no effect in this version.",
        "V108": "A limit stands in for the challenge.",
        "V109": "A rule names a finding that no version makes; it never matches.",
        "V110": "The rule's last day has passed.",
        "V111": "A rule that refuses passes over addresses that are not globally routable.",
        "V112": "The licence contact is not announced.",
        "V113": "Nobody is named to ask for permission.",
        "V114": "Old address lists could make impostors of genuine crawlers.",
        "V115": "The rule slows search engines down.",
        "V116": "The section differs in nothing from the rest of the site.",
        "V117": "AI crawlers would leave no record of their own.",
        "V118": "It is not said on whose behalf the reservation is declared.",
        "V120": "A channel cannot express the terms; the most restrictive reading is served.",
        "V119": "The secret is short.",
        "V122": "The permission has ended.",
        "V123": "The site's own robots.txt contradicts the terms, or readers cannot use it as it stands.",
        "V124": "The key has no effect without Redis.",
        "V125": "Several workers run without Redis: each counts limits for itself.",
        "V145": "Records may be pruned before a year is over.",
        "V127": "The evidence takes nearly all that it may, or more.",
        "V126": "For a week nobody outside has said when the evidence log was written.",
        "V128": "Something in the catalogue of works should be looked at.",
        "V133": "The row of an addressee cannot be used.",
        "V134": "A letter of this kind cannot rest on the evidence, or may not go to this addressee.",
        "V135": "The text of a letter accuses, is not filled in, or was approved by nobody.",
        "V136": "The configuration lacks what a letter needs.",
        "V141": "The rate never applies: an earlier one is for the same works.",
        "V142": "A currency is set, but no price.",
        "V143": "Rates for works are set, but no catalogue.",
    }
)
"""Id -> sentence."""


def is_warning(id: str) -> bool:
    """True for problems that do not stop the start."""
    return id.startswith("V1")
