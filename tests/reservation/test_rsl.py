"""RSL: structure after our own transcription of the published element table, and hostile texts."""

from __future__ import annotations

from itertools import product
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terms_support import Terms
from vorbehalt.reservation import rsl
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Stance, Uses

NS = "{https://rslstandard.org/rsl}"
OPEN = Uses("allow", "allow", "allow", "allow")
TERMS = Terms(
    "https://label.example",
    "Label Example GmbH",
    "mailto:licensing@label.example",
    sections=(Section("press", ("/press/",), OPEN),),
)
TOKENS = {"search": "search", "ai-train": "training", "ai-input": "ai_input"}
stances: list[Stance] = ["allow", "reserve"]

# RSL-SPEC-1.0 sections 3.1 to 3.17, our transcription: (children in any number, children at most once).
CHILDREN: dict[str, tuple[set[str], set[str]]] = {
    "rsl": ({"content"}, set()),
    "content": ({"license", "alternate"}, {"schema", "copyright", "terms"}),
    "license": ({"permits", "prohibits", "reporting", "legal"}, {"payment"}),
    "payment": (set(), {"standard", "custom", "amount", "accepts"}),
}
USAGES = {"all", "ai-all", "ai-train", "ai-input", "ai-index", "search"}
PAYMENTS = {"purchase", "subscription", "training", "crawl", "use", "contribution", "attribution", "free"}


def conform(element: ElementTree.Element) -> None:
    name = element.tag.removeprefix(NS)
    many, once = CHILDREN.get(name, (set(), set()))
    children = [child.tag.removeprefix(NS) for child in element]
    assert set(children) <= many | once
    assert all(children.count(child) <= 1 for child in once)
    if name == "content":
        assert "license" in children
        assert element.get("url", "").startswith("/")
    if name == "license":
        kinds = [(child.tag, child.get("type")) for child in element]
        assert len(kinds) == len(set(kinds))
    if name in ("permits", "prohibits"):
        assert element.get("type") == "usage"
        assert set((element.text or "").split(" ")) <= USAGES
    if name == "payment":
        assert element.get("type") in PAYMENTS
    for child in element:
        conform(child)


def parsed(terms: Terms) -> ElementTree.Element:
    root = ElementTree.fromstring(rsl.render(terms))
    assert root.tag == NS + "rsl"
    conform(root)
    return root


def granted(root: ElementTree.Element, url: str) -> tuple[set[str], set[str]]:
    """The usages of one content that are permitted for nothing, and those on offer for a payment."""
    (content,) = [element for element in root if element.get("url") == url]
    free: set[str] = set()
    offered: set[str] = set()
    prohibited: set[str] = set()
    for licence in content.iter(NS + "license"):
        payment = licence.find(NS + "payment")
        tokens = set((licence.findtext(NS + "permits") or "").split())
        if payment is None or payment.get("type") == "free":
            free |= tokens
        else:
            offered |= tokens
        prohibited |= set((licence.findtext(NS + "prohibits") or "").split())
    if "all" in prohibited:
        return set(), set()
    return free - prohibited, offered - prohibited


def test_the_default_permits_search_and_prohibits_training_and_input() -> None:
    root = parsed(TERMS)
    assert root.get("max-age") == "1"
    assert [element.get("url") for element in root] == ["/press/", "/"]
    rest = root[1]
    assert rest.findtext(f"{NS}license/{NS}permits") == "search"
    assert rest.findtext(f"{NS}license/{NS}prohibits") == "ai-train ai-input"
    assert rest.findtext(f"{NS}license/{NS}legal") == "mailto:licensing@label.example"
    assert rest.findtext(f"{NS}copyright") == "Label Example GmbH"
    assert rest.findtext(f"{NS}terms") == "https://label.example/ai-policy"


@pytest.mark.parametrize("choice", list(product(stances, repeat=3)), ids=str)
@pytest.mark.parametrize("may_license", [False, True])
def test_no_reserved_use_is_permitted_and_offers_need_may_license(
    choice: tuple[Stance, Stance, Stance], may_license: bool
) -> None:
    terms = Terms(
        "https://label.example",
        contact="mailto:a@b.example",
        uses=Uses(*choice),
        licence_contact="https://label.example/ask",
        may_license=may_license,
    )
    free, offered = granted(parsed(terms), "/")
    reserved = {token for token, use in TOKENS.items() if getattr(terms.uses, use) == "reserve"}
    assert free == set(TOKENS) - reserved
    assert offered == (reserved if may_license else set())


def test_an_offer_says_where_to_ask() -> None:
    for contact, asked in (
        ("https://label.example/ask", "https://label.example/ask"),
        ("mailto:licence@label.example", "https://label.example/ai-policy"),
        ("", "https://label.example/ai-policy"),
    ):
        terms = Terms("https://label.example", may_license=True, licence_contact=contact)
        assert {element.text for element in parsed(terms).iter(NS + "custom")} == {asked}


def test_an_operator_who_is_no_owner_is_not_named_as_rightsholder() -> None:
    terms = Terms("https://label.example", "Agency", "mailto:a@agency.example", capacity="mandated")
    assert parsed(terms).find(f".//{NS}copyright") is None
    named = parsed(
        Terms(
            "https://label.example",
            "Agency",
            "mailto:a@agency.example",
            capacity="mandated",
            rightsholder="Composer",
        )
    ).find(f".//{NS}copyright")
    assert named is not None
    assert (named.text, named.attrib) == ("Composer", {})


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_gives_well_formed_xml(name: str, path: str) -> None:
    terms = Terms(
        "https://label.example",
        name,
        name,
        rightsholder=name,
        policy_url=name,
        sections=(Section(name, ("/" + path,), OPEN),),
    )
    ElementTree.fromstring(rsl.render(terms))
