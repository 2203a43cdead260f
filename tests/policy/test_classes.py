"""Pages, media, searches and feeds are told apart by path and query, and can be counted apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.engine import Engine
from vorbehalt.facts import Action, ClientAddress, Visit
from vorbehalt.policy.classes import class_of
from vorbehalt.policy.compile import parse_limit
from vorbehalt.policy.rules import Quota
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", "pages"),
        ("/lyrics/one.html", "pages"),
        ("/lyrics/one?page=2&sort=q", "pages"),
        ("/covers/one.JPG", "media"),
        ("/preview/one.mp3?x=1", "media"),
        ("/pdf", "pages"),
        ("/a.pdf/b", "pages"),
        ("/feed", "feeds"),
        ("/blog/feed/", "feeds"),
        ("/news.rss", "feeds"),
        ("/atom.xml", "feeds"),
        ("/feedback", "pages"),
        ("/search", "search"),
        ("/de/suche/", "search"),
        ("/search/love", "search"),
        ("/search/love/page/2", "pages"),
        ("/?s=love", "search"),
        ("/shop/?s=love", "search"),
        ("/cover?s=200", "pages"),
        ("/find?lang=de&q=love", "search"),
        ("/find?faq=1", "pages"),
        ("/research", "pages"),
    ],
)
def test_each_request_has_one_class(target: str, expected: str) -> None:
    assert class_of(target.partition("?")[0], target.encode()) == expected


@given(st.text(), st.binary())
def test_any_request_has_a_class(path: str, target: bytes) -> None:
    assert class_of(path, target) in ("pages", "media", "search", "feeds")


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("10/min per operator and class", Quota(10, 60, "operator", by_class=True)),
        ("10/min per prefix  and  class burst 3", Quota(10, 60, "prefix", 3, True)),
        ("10/min per crawler", Quota(10, 60, "crawler")),
    ],
)
def test_a_limit_may_count_each_class_by_itself(text: str, quota: Quota) -> None:
    assert parse_limit(text) == quota


@pytest.mark.parametrize(
    "text", ["10/min per class", "10/min and class", "10/min per operator and", "10/min per class and class"]
)
def test_a_class_is_no_client(text: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        parse_limit(text)


def visit(target: str, address: str = "8.8.8.8", usable: bool = True) -> Visit:
    return Visit(
        received_at=1_800_000_000 * 10**9,
        method="GET",
        scheme="https",
        host="label.example",
        path=target.partition("?")[0],
        target=target.encode(),
        http_version="1.1",
        headers=((b"user-agent", b"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),),
        client=ClientAddress(address, "direct", usable),
    )


def engine(*rules: dict[str, Any]) -> Engine:
    site = {"format": 1, "site": {"origin": "https://label.example"}, "evidence": {"directory": "off"}}
    return Engine(load({**site, "policy": {"rule": list(rules)}}, environ={}), MemoryLimits())


def test_a_rule_for_one_class_concerns_no_other() -> None:
    judge = engine(
        {
            "name": "searches",
            "match": {"class": "search"},
            "action": "limit",
            "limit": "1/hour",
        }
    ).judge
    assert judge(visit("/search")).rule == "searches"
    second = judge(visit("/?s=x"))
    assert (second.action, second.reasons[-1]) == (Action.LIMIT, "site-rule-class")
    assert judge(visit("/page")).rule != "searches"


def test_a_quota_by_class_is_spent_in_each_class_by_itself() -> None:
    judge = engine(
        {
            "name": "all",
            "match": {"purpose": "seo"},
            "action": "limit",
            "limit": "1/hour per crawler and class",
        }
    ).judge
    targets = ["/page", "/a.jpg", "/search", "/feed"]
    assert [judge(visit(target)).action for target in targets] == [Action.ALLOW] * 4
    assert [judge(visit(target)).action for target in targets] == [Action.LIMIT] * 4


def test_an_address_that_is_not_usable_is_no_key() -> None:
    judge = engine({"name": "all", "match": {"purpose": "seo"}, "action": "limit", "limit": "1/hour"}).judge
    found = [judge(visit("/page", "192.168.0.7", usable=False)).action for _ in range(3)]
    assert found == [Action.ALLOW] * 3


def test_people_on_a_site_that_limits_a_class_are_looked_at_one_by_one() -> None:
    limited = {"name": "searches", "match": {"class": "search"}, "action": "limit", "limit": "1/hour"}
    site = engine({**limited, "match": {"class": "search", "address": "203.0.113.0/24"}})
    assert site.default.reader_verdict("") is None
    assert engine().default.reader_verdict("") is not None
