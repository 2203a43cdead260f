"""What no single key shows: rules against the registry, the policy against the reservation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import ip_network
from itertools import product
from json import loads

from vorbehalt.facts import Action, Purpose, Standing
from vorbehalt.identify.identity import Identity
from vorbehalt.identify.networks import canonical_address
from vorbehalt.identify.registry import Crawler, Registry
from vorbehalt.patterns.book import IDS
from vorbehalt.policy.rules import Rule
from vorbehalt.policy.select import Policy
from vorbehalt.policy.tables import Flaw, did_you_mean, one_of, shown
from vorbehalt.reservation import checks
from vorbehalt.reservation.terms import Terms
from vorbehalt.settings.hosts import ReadHost

_UNCONTRADICTED = tuple(standing for standing in Standing if standing is not Standing.CONTRADICTED)


def lint_host(
    host: ReadHost, registry: Registry, documents: Mapping[str, bytes], now: datetime
) -> Iterable[Flaw]:
    """Yield what is wrong or worth saying about one host's rules and terms. `now` is aware."""
    keys = [f"{host.key}policy.rule[{index}]" for index in range(len(host.site_rules))]
    sections = {section.name for section in host.settings.terms.sections}
    for key, rule in zip(keys, host.site_rules, strict=True):
        yield from _names(key, rule, registry, sections)
        yield from _effects(key, rule, now)
    yield from _search_engines(host, keys, registry, documents)
    yield from _against_reservation(host)
    yield from _terms(f"{host.key}", host.settings.terms)
    yield from _permissions(f"{host.key}reservation.permission", host.settings.terms, registry, now)


def lint_terms(host: ReadHost) -> Iterable[Flaw]:
    """Yield where the channels of well-formed terms would disagree (V031), or cannot say it all (V120)."""
    terms = host.settings.terms
    for sentence in checks.problems(terms):
        yield Flaw(f"{host.key}reservation", "V031", sentence)
    for sentence in checks.remarks(terms):
        yield Flaw(f"{host.key}reservation", "V120", sentence)


def _names(key: str, rule: Rule, registry: Registry, sections: set[str]) -> Iterable[Flaw]:
    for token in rule.match.token:
        if registry.find(token) is None:
            known = [crawler.token for crawler in registry.crawlers]
            why = next((why for name, why in registry.rejected.items() if name.lower() == token.lower()), "")
            hint = f" (it is left out: {why})" if why else did_you_mean(token, known)
            yield Flaw(f"{key}.match.token", "V018", f"no crawler has the product token {shown(token)}{hint}")
    for operator in rule.match.operator:
        if sentence := _no_operator(operator, registry):
            yield Flaw(f"{key}.match.operator", "V019", sentence)
    for section in rule.match.section:
        if section not in sections:
            hint = did_you_mean(section, sections)
            yield Flaw(f"{key}.match.section", "V030", f"there is no section {shown(section)}{hint}")


def _no_operator(name: str, registry: Registry) -> str:
    """Say why a text names no operator; empty if it does."""
    operators: dict[str, str] = {}
    makers: set[str] = set()
    for party in registry.parties.values():
        if party.is_operator:
            operators |= {party.name.lower(): party.name, party.id.lower(): party.name}
        else:
            makers |= {party.name.lower(), party.id.lower()}
    if name.lower() in operators:
        return ""
    hint = did_you_mean(name, sorted(set(operators.values())))
    if name.lower() in makers:
        hint = " (it makes tools that others run; name their tokens)"
    return f"no operator has the name {shown(name)}{hint}"


def _permissions(key: str, terms: Terms, registry: Registry, now: datetime) -> Iterable[Flaw]:
    for index, permission in enumerate(terms.permissions):
        if permission.licensee and (sentence := _no_operator(permission.licensee, registry)):
            yield Flaw(f"{key}[{index}].operator", "V019", sentence)
        if permission.until is not None and permission.until <= now.timestamp() * 1e9:
            message = f"the permission {shown(permission.reference)} has ended; it permits nothing any more"
            yield Flaw(f"{key}[{index}].until", "V122", message)


def _effects(key: str, rule: Rule, now: datetime) -> Iterable[Flaw]:
    match = rule.match
    for finding in match.finding:
        if finding not in IDS:
            hint = did_you_mean(finding, IDS) or f"; {one_of(IDS)}"
            message = f"no finding is called {shown(finding)}, so the rule never matches it{hint}"
            yield Flaw(f"{key}.match.finding", "V109", message)
    if rule.action is Action.CHALLENGE and rule.limit is not None:
        per = f"{rule.limit.count} requests in {rule.limit.period_seconds} s"
        yield Flaw(f"{key}.action", "V108", f"there is no challenge in this version; {per} stand in for it")
    if rule.until is not None and rule.until <= now:
        yield Flaw(
            f"{key}.until",
            "V110",
            f"the rule {shown(rule.name)} has ended on {rule.until:%Y-%m-%d %H:%M} UTC",
        )
    if rule.action is not Action.ALLOW or rule.limit is not None:
        for text in match.address:
            found = canonical_address(text.partition("/")[0])
            if found is not None and not found[1]:
                yield Flaw(
                    f"{key}.match.address",
                    "V111",
                    f"{text} is not globally routable: the rule passes it over",
                )


def _search_engines(
    host: ReadHost, keys: list[str], registry: Registry, documents: Mapping[str, bytes]
) -> Iterable[Flaw]:
    engines = [
        crawler
        for crawler in registry.crawlers
        if crawler.purpose is Purpose.SEARCH_ENGINE and not crawler.is_control
    ]
    policy = Policy(host.site_rules)
    refused: dict[int, Crawler] = {}
    slowed: dict[int, Crawler] = {}
    for crawler in engines if host.site_rules else ():
        for standing in _UNCONTRADICTED:
            for rule in policy.concerning(Identity(crawler, standing, "")):
                if rule.mode == "observe":
                    continue
                if rule.match.address and not _meets(rule, crawler, documents):
                    continue
                if rule.action is not Action.ALLOW:
                    refused.setdefault(id(rule), crawler)
                elif rule.limit is not None:
                    slowed.setdefault(id(rule), crawler)
    for key, rule in zip(keys, host.site_rules, strict=True):
        if id(rule) in refused and not host.may_refuse_search_engines:
            yield Flaw(
                f"{key}.action",
                "V029",
                f"the rule {shown(rule.name)} would refuse search engines ({refused[id(rule)].token}); "
                "narrow its match, or set policy.may_refuse_search_engines = true",
            )
        elif id(rule) in slowed:
            yield Flaw(
                f"{key}.limit",
                "V115",
                f"the limit of {shown(rule.name)} also counts search engines ({slowed[id(rule)].token})",
            )


def _meets(rule: Rule, crawler: Crawler, documents: Mapping[str, bytes]) -> bool:
    """True if a rule's networks touch the published ranges of a crawler."""
    networks = [ip_network(text) for text in rule.match.address]
    for means in crawler.verify:
        body = documents.get(f"ranges/{means.list}.json") if means.list else None
        for row in loads(body)["prefixes"] if body else ():
            prefix = ip_network(row.get("ipv4Prefix") or row["ipv6Prefix"])
            if any(network.version == prefix.version and network.overlaps(prefix) for network in networks):
                return True
    return False


def _against_reservation(host: ReadHost) -> Iterable[Flaw]:
    settings = host.settings
    if settings.mode != "enforce":
        return
    uses, preset = settings.terms.uses, settings.preset
    refused = {purpose for purpose in Purpose if any(_blocks(rule, purpose) for rule in settings.rules)}
    key = f"{host.key}policy.preset"
    places = [("reservation", uses)]
    places += [
        (f"section {shown(section.name)}: reservation", section.uses)
        for section in settings.terms.sections
        if not any(_opens(rule, section.name) for rule in host.site_rules)
    ]
    for (place, stances), (field, purpose) in product(
        places, (("search", Purpose.SEARCH), ("training", Purpose.TRAINING))
    ):
        if getattr(stances, field) == "allow" and purpose in refused:
            if place != "reservation" and getattr(uses, field) == "allow":
                continue
            message = f"{preset} refuses {purpose.value} crawlers that {place}.{field} lets in by robots.txt"
            yield Flaw(key, "V101", message)
    # A policy that refuses nobody (observe-only) is meant; one that refuses some may have forgotten these.
    if uses.search == "reserve" and refused and Purpose.SEARCH not in refused:
        yield Flaw(
            key, "V102", f"reservation.search reserves what {preset} answers: AI search indexes are served"
        )


def _opens(rule: Rule, section: str) -> bool:
    return rule.action is Action.ALLOW and section in rule.match.section


def _blocks(rule: Rule, purpose: Purpose) -> bool:
    match = rule.match
    return (
        rule.action is Action.BLOCK
        and rule.mode != "observe"
        and purpose in match.purpose
        and (not match.standing or len(match.standing) > 1)
    )


def _terms(key: str, terms: Terms) -> Iterable[Flaw]:
    if not terms.contact:
        yield Flaw(
            f"{key}site.contact", "V113", "site.contact is missing: nobody is named to ask for permission"
        )
    if terms.licence_contact and not terms.may_license:
        yield Flaw(
            f"{key}reservation.licence_contact",
            "V112",
            "reservation.licence_contact is only announced with may_license = true",
        )
    if terms.capacity != "owner" and not (terms.rightsholder or terms.on_behalf_of):
        yield Flaw(
            f"{key}reservation.capacity",
            "V118",
            f'capacity = "{terms.capacity}", but no rightsholder or on_behalf_of says whose rights these are',
        )
