"""What the age of the address lists switches off, in sentences for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vorbehalt.identify.networks import RangeList

_HOUR: Final = 3_600_000_000_000
_NAMED: Final = 6


def ages(
    lists: Mapping[str, RangeList],
    at: int,
    *,
    hit_max_age_days: int = 30,
    miss_max_age_hours: int = 24,
) -> list[str]:
    """Say which lists are too old to verify or to contradict anybody at a time (nanoseconds UTC).

    Lists of the same age share a sentence; the oldest come first. A list dated after `at` is as far from it.
    """
    if not lists:
        return ["no address lists: a claim can be neither verified nor contradicted"]
    sentences: list[str] = []
    hours = {name: abs(at - one.fetched_at) // _HOUR for name, one in lists.items()}
    able = [
        name
        for name, one in lists.items()
        if one.basis == "operator" and abs(at - one.fetched_at) <= miss_max_age_hours * _HOUR
    ]
    if not able:
        youngest, oldest = min(hours.values()), max(hours.values())
        sentences.append(f"impostor detection is inactive: lists are {_between(youngest, oldest)} old")
    groups: dict[tuple[int, str, str], list[str]] = {}
    for name, one in lists.items():
        age = abs(at - one.fetched_at)
        if age > hit_max_age_days * 24 * _HOUR:
            effect = "verif"
        elif one.basis == "operator" and age > miss_max_age_hours * _HOUR:
            effect = "contradict"
        else:
            continue
        groups.setdefault((-(hours[name] // 24), _age(hours[name]), effect), []).append(name)
    for (_, age_words, effect), names in sorted(groups.items()):
        sentences.append(_sentence(sorted(names), age_words, effect))
    return sentences


def _sentence(names: list[str], age: str, effect: str) -> str:
    if len(names) == 1:
        return f"list {names[0]} is {age} old: {'verifies' if effect == 'verif' else 'contradicts'} nobody"
    shown = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"lists {shown}{more} are {age} old: {'verify' if effect == 'verif' else 'contradict'} nobody"


def _age(hours: int) -> str:
    return f"{hours} hours" if hours < 48 else f"{hours // 24} days"


def _between(youngest: int, oldest: int) -> str:
    one, other = _age(youngest), _age(oldest)
    return one if one == other else f"{one} to {other}"
