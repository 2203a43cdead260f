"""What the age of the lists switches off, in words; and that looking an address up stays cheap."""

from __future__ import annotations

import timeit
from dataclasses import replace

from vorbehalt.identify.networks import NetworkSet, RangeList, read_range_lists
from vorbehalt.lookups.range_ages import ages
from vorbehalt.settings import load_rules

DAY = 86_400_000_000_000
NOW = 1_795_000_000_000_000_000
LIST = RangeList("bot", "https://bot.example/", NOW, "operator", "0" * 64, NetworkSet(["8.8.8.0/24"]))


def aged(**days: float) -> dict[str, RangeList]:
    return {
        name.replace("_", "-"): replace(LIST, name=name, fetched_at=NOW - int(age * DAY))
        for name, age in days.items()
    }


def test_fresh_lists_need_no_word() -> None:
    assert ages(aged(a=0, b=1), NOW) == []


def test_an_old_list_verifies_nobody() -> None:
    assert ages(aged(fresh=0.5, openai_gptbot=40), NOW) == [
        "list openai-gptbot is 40 days old: verifies nobody"
    ]


def test_a_list_of_yesterday_contradicts_nobody() -> None:
    assert ages(aged(fresh=1, a=1.1, b=30, c=30.1), NOW) == [
        "list b is 30 days old: contradicts nobody",
        "list c is 30 days old: verifies nobody",
        "list a is 26 hours old: contradicts nobody",
    ]


def test_lists_of_one_age_share_a_sentence_and_the_whole_is_said_first() -> None:
    lists = aged(**{f"l{n}": 50 for n in range(9)}, other=3)
    assert ages(lists, NOW) == [
        "impostor detection is inactive: lists are 3 days to 50 days old",
        "lists l0, l1, l2, l3, l4, l5 and 3 more are 50 days old: verify nobody",
        "list other is 3 days old: contradicts nobody",
    ]


def test_the_limits_are_those_of_the_configuration() -> None:
    assert ages(aged(a=3), NOW, hit_max_age_days=2) != ages(aged(a=3), NOW)
    assert ages(aged(a=0.5), NOW, miss_max_age_hours=11)[1:] == ["list a is 12 hours old: contradicts nobody"]
    assert ages({}, NOW) == ["no address lists: a claim can be neither verified nor contradicted"]


def test_membership_among_all_published_prefixes_costs_no_more_than_half_a_microsecond() -> None:
    lists = read_range_lists(load_rules(None)[0])
    assert sum(one.networks.size for one in lists.values()) >= 5_000
    networks = lists["google-user-triggered-fetchers"].networks
    networks.contains("9.9.9.9")
    best = min(timeit.repeat(lambda: networks.contains("9.9.9.9"), number=2_000, repeat=20)) / 2_000
    # Twenty tries, of which the best counts: this machine may be busy, the code may not be slow.
    assert best < 0.5e-6


def test_a_list_that_did_not_come_from_its_operator_never_contradicted_anybody() -> None:
    lists = aged(fresh=0) | {
        "copy": replace(LIST, name="copy", basis="third-party", fetched_at=NOW - 3 * DAY)
    }
    assert ages(lists, NOW) == []
    assert ages({"copy": lists["copy"]}, NOW) == ["impostor detection is inactive: lists are 3 days old"]
