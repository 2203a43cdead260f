"""What may differ by host: [site], [reservation], [works], [policy], and [[host]] over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from vorbehalt.errors import RulesError
from vorbehalt.policy.compile import MODES, read_patterns, read_rule
from vorbehalt.policy.levels import level_rules
from vorbehalt.policy.presets import load_preset, preset_names
from vorbehalt.policy.rules import Mode, Rule
from vorbehalt.policy.tables import Flaw, Table, did_you_mean, one_of, shown
from vorbehalt.reservation.vocabulary import Vocabulary
from vorbehalt.settings.declared import read_terms
from vorbehalt.settings.model import HostSettings, PatternsSettings
from vorbehalt.settings.page_templates import read_page_templates
from vorbehalt.settings.values import (
    existing_file,
    read_host_names,
    read_upstream,
)  # fmt: skip
from vorbehalt.settings.works import read_works

DEFAULT_PRESET = "allow-search"
ROOMS = ("site", "reservation", "works", "policy")
"""The tables that a [[host]] may override, key by key."""


@dataclass(frozen=True, slots=True)
class ReadHost:
    """A host with what only the check of the whole needs. `key` leads its tables' keys ("" or `host[0].`)."""

    settings: HostSettings
    key: str
    site_rules: tuple[Rule, ...]
    may_refuse_search_engines: bool


class HostReader:
    """Reads the default host and every [[host]] from one configuration."""

    def __init__(
        self,
        root: Table,
        base: Path,
        documents: Mapping[str, bytes],
        vocabulary: Vocabulary,
        patterns: PatternsSettings,
        flaws: list[Flaw],
    ) -> None:
        self._root = root
        self._vocabulary = vocabulary
        self._base = base
        self._documents = documents
        self._flaws = flaws
        self._by_conduct = level_rules(patterns.mode)
        self._trap_path = patterns.traps
        self._presets: dict[str, tuple[Rule, ...]] = {}
        self.site_hosts: tuple[str, ...] = ()

    def read_default(self, upstream: str | None) -> ReadHost:
        """Read the host that serves every unknown Host."""
        tables = {name: self._root.table(name) for name in ROOMS}
        self.site_hosts = read_host_names(tables["site"], "hosts")
        return self._read(tables, "", (), "", upstream)

    def read_further(self, default: ReadHost) -> tuple[ReadHost, ...]:
        """Read each [[host]]; what it does not say is as for the default host."""
        hosts = []
        taken = dict.fromkeys(self.site_hosts, "[site]")
        for table in self._root.tables("host"):
            names = read_host_names(table, "names", required=True)
            if table.has("names") and not names and table.raw("names") == []:
                table.flaw("names", "V005", f"{table.where('names')} is empty")
            for name in names:
                if name in taken:
                    table.flaw("names", "V021", f"the host {name} already stands in {taken[name]}")
                taken[name] = f"[[host]] number {table.key[5:-1]}"
            upstream = read_upstream(table, "upstream") or default.settings.upstream
            hosts.append(self._read_over(table, names, default, upstream))
            table.finish()
        return tuple(hosts)

    def _read_over(
        self, table: Table, names: tuple[str, ...], default: ReadHost, upstream: str | None
    ) -> ReadHost:
        flaws: list[Flaw] = []
        tables = {}
        own_keys = set()
        for room in ROOMS:
            own = table.table(room)
            own_keys |= {own.where(name) for name in own.items()}
            common = self._root.table(room)
            # Host names stand in `names`; a `hosts` of the host's own [site] is left to be found unknown.
            data = {n: common.raw_entry(n) for n in common.items() if (room, n) != ("site", "hosts")}
            data |= {n: own.raw_entry(n) for n in own.items()}
            tables[room] = Table(data, own.key, flaws)
        scheme = default.settings.terms.origin.partition("://")[0] or "https"
        origin = f"{scheme}://{names[0]}" if names and not table.table("site").has("origin") else ""
        host = self._read(tables, f"{table.key}.", names, origin, upstream)
        # What is inherited has been checked with the default host.
        self._flaws += [flaw for flaw in flaws if any(_is_below(flaw.key, key) for key in own_keys)]
        return host

    def _read(
        self, tables: Mapping[str, Table], key: str, names: tuple[str, ...], origin: str, upstream: str | None
    ) -> ReadHost:
        site, policy, works = tables["site"], tables["policy"], tables["works"]
        templates, template_files = read_page_templates(tables["reservation"], self._base)
        terms = replace(
            read_terms(site, tables["reservation"], origin, self._vocabulary),
            page_templates=templates,
            trap_path=self._trap_path,
        )
        preset, site_rules, rules = self._read_rules(policy)
        catalogue, work_patterns = read_works(works, self._base)
        settings = HostSettings(
            names=names,
            terms=terms,
            robots=self._read_robots(site),
            mode=cast(Mode, policy.choice("mode", "enforce", MODES)),
            preset=preset,
            rules=rules,
            open_paths=read_patterns(policy, "open_paths"),
            upstream=upstream,
            catalogue=catalogue,
            work_patterns=work_patterns,
            page_template_files=template_files,
        )
        may_refuse = policy.flag("may_refuse_search_engines")
        for table in tables.values():
            table.finish()
        return ReadHost(settings, key, site_rules, may_refuse)

    def _read_robots(self, site: Table) -> str:
        text = site.text("robots", "app")
        if text.startswith("file:") and len(text) > 5:
            return f"file:{existing_file(site, 'robots', self._base, text[5:])}"
        if text not in ("app", "none"):
            site.flaw("robots", "V007", f'robots cannot be {shown(text)}; use "app", "none" or "file:PATH"')
            return "app"
        return text

    def _read_rules(self, policy: Table) -> tuple[str, tuple[Rule, ...], tuple[Rule, ...]]:
        preset = policy.text("preset", DEFAULT_PRESET)
        names = preset_names(self._documents)
        if not self._documents:
            # The rules could not be loaded, which has been said; nothing can be said about presets.
            names = (preset,)
        elif preset not in names:
            hint = did_you_mean(preset, names) or f"; {one_of(names)}"
            policy.flaw("preset", "V026", f"there is no preset {shown(preset)}{hint}")
        elif preset not in self._presets:
            try:
                self._presets[preset] = load_preset(preset, self._documents).rules
            except RulesError as error:
                policy.flaw("preset", "V025", str(error))
        common = self._presets.get(preset, ())
        if common and all(rule.mode == "observe" for rule in common):
            # A preset that refuses nobody does not refuse by conduct either.
            common = (*level_rules("observe"), *common)
        else:
            common = (*self._by_conduct, *common)
        rules = []
        taken = {rule.name: f"a rule of the preset {preset}" for rule in common}
        for table in policy.tables("rule"):
            rule = read_rule(table)
            if rule.name and rule.name in taken:
                table.flaw("name", "V017", f"{taken[rule.name]} already has the name {shown(rule.name)}")
            taken[rule.name] = "another rule"
            rules.append(rule)
        return preset, tuple(rules), (*rules, *common)


def _is_below(key: str, above: str) -> bool:
    return key == above or key.startswith((f"{above}.", f"{above}["))
