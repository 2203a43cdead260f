"""Pages of refusals are handed out once, whole or not at all, whichever worker keeps them."""

from __future__ import annotations

import os

import pytest

from vorbehalt.edge.refusal_pages import RefusalPages
from vorbehalt.edge.respond import Messages
from vorbehalt.edge.shared_pages import Page, SharedPages

REFERENCE = "VB-ABCD-EFGH-JKMN-PQRS"


def page(body: bytes = "<p>Gesperrt für Maschinen</p>".encode()) -> Messages:
    headers = [(b"content-type", b"text/html"), (b"x-vorbehalt-status", b"429"), (b"x", b"\xe9")]
    return (
        {"type": "http.response.start", "status": 403, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


def given(body: bytes = page()[1]["body"]) -> Page:
    """What a visitor gets who was limited: the status is the visitor's, words to the proxy are left out."""
    start, _ = page(body)
    return 429, [start["headers"][0], start["headers"][2]], body


def test_a_page_is_handed_out_once() -> None:
    pages = RefusalPages()
    pages.keep(REFERENCE, 429, page())
    assert [pages.take(REFERENCE), pages.take(REFERENCE)] == [given(), None]


def test_one_worker_hands_out_what_another_keeps_and_only_once() -> None:
    shared = SharedPages()
    one, other = RefusalPages(shared), RefusalPages(shared)
    one.keep(REFERENCE, 429, page())
    assert [other.take(REFERENCE), one.take(REFERENCE)] == [given(), None]


def test_what_one_process_keeps_another_has() -> None:
    shared = SharedPages()
    child = os.fork()
    if not child:
        RefusalPages(shared).keep(REFERENCE, 429, page())
        os._exit(0)
    os.waitpid(child, 0)
    assert RefusalPages(shared).take(REFERENCE) == given()


@pytest.mark.parametrize("reference", ["VB-0000-0000-0000-0000", "", "\udcff", "x" * 100_000])
def test_an_unknown_reference_has_no_page(reference: str) -> None:
    pages = RefusalPages(SharedPages())
    pages.keep(REFERENCE, 429, page())
    assert pages.take(reference) is None
    assert pages.take(REFERENCE) == given()


def test_a_page_half_overwritten_by_another_worker_is_none() -> None:
    shared = SharedPages()
    pages = RefusalPages(shared)
    pages.keep(REFERENCE, 429, page())
    torn = shared._memory.find(b"Gesperrt")
    shared._memory[torn : torn + 8] = b"anderswo"
    assert pages.take(REFERENCE) is None


def test_one_slot_does_not_answer_for_another_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vorbehalt.edge.shared_pages._place", lambda reference: 0)
    pages = RefusalPages(SharedPages())
    pages.keep(REFERENCE, 429, page())
    assert pages.take("VB-0000-0000-0000-0000") is None
    assert pages.take(REFERENCE) == given()


def test_a_page_too_large_to_share_stays_with_its_worker() -> None:
    shared = SharedPages()
    one, other = RefusalPages(shared), RefusalPages(shared)
    one.keep(REFERENCE, 429, page(b"a" * 16 * 1024))
    assert other.take(REFERENCE) is None
    assert one.take(REFERENCE) == given(b"a" * 16 * 1024)


def test_the_oldest_page_goes_when_there_are_many() -> None:
    pages = RefusalPages()
    for number in range(513):
        pages.keep(str(number), 429, page())
    assert [pages.take("0"), pages.take("1")] == [None, given()]
