"""Presets: whole policies as data, `presets/*.toml` of the rules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from vorbehalt.errors import RulesError
from vorbehalt.policy.compile import MODES, read_rule
from vorbehalt.policy.rules import Mode, Rule
from vorbehalt.policy.tables import Flaw, Table

_FOLDER = "presets/"


@dataclass(frozen=True, slots=True)
class Preset:
    """An ordered policy with one sentence about it."""

    name: str
    about: str
    rules: tuple[Rule, ...]


def preset_names(documents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the names of all presets among rules documents (path -> bytes), sorted."""
    return tuple(
        sorted(
            path.removeprefix(_FOLDER).removesuffix(".toml")
            for path in documents
            if path.startswith(_FOLDER) and path.endswith(".toml")
        )
    )


def load_preset(name: str, documents: Mapping[str, bytes]) -> Preset:
    """Parse one preset; `based_on` puts another preset's rules after its own. RulesError names every flaw.

    `mode` at the top of a document holds for all rules of the result, its own and those it is based on.
    """
    return _load(name, documents, ())


def _load(name: str, documents: Mapping[str, bytes], above: tuple[str, ...]) -> Preset:
    path = f"{_FOLDER}{name}.toml"
    if name in above:
        raise RulesError(f"{path}: is based on itself")
    try:
        data = tomllib.loads(documents[path].decode())
    except KeyError:
        raise RulesError(f"{path}: there is no such preset") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError(f"{path}: {error}") from None
    flaws: list[Flaw] = []
    table = Table(data, "", flaws)
    if table.raw("format") != 1:
        table.flaw("format", "V006", "format must be 1")
    if table.text("name", required=True) != name:
        table.flaw("name", "V007", f"the name must be that of the file, {name}")
    about = table.text("about", required=True)
    base = table.text("based_on")
    mode = table.choice("mode", "", MODES)
    rules = [read_rule(each, mode=cast(Mode, mode) if mode else None) for each in table.tables("rule")]
    table.finish()
    if base:
        inherited = _load(base, documents, (*above, name)).rules
        rules += [_with_mode(rule, cast(Mode, mode)) if mode else rule for rule in inherited]
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            table.flaw("rule", "V017", f"there are two rules with the name {rule.name}")
        seen.add(rule.name)
    if flaws:
        raise RulesError("\n".join(f"{path}: {flaw.key}: {flaw.message}" for flaw in flaws))
    return Preset(name, about, tuple(rules))


def _with_mode(rule: Rule, mode: Mode) -> Rule:
    return Rule(rule.name, rule.match, rule.action, rule.limit, mode, rule.until, rule.reason)
