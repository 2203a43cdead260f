"""The effective policy in plain sentences, for people who run `vorbehalt check`."""

from __future__ import annotations

from vorbehalt.evidence.anchor.targets import Target, TimeStamper, WitnessTarget
from vorbehalt.facts import Action, Purpose
from vorbehalt.policy.compile import derived_reason
from vorbehalt.policy.reasons import REASONS
from vorbehalt.policy.rules import Match, Mode, Quota, Rule
from vorbehalt.policy.select import DEFAULT_ALLOW
from vorbehalt.reservation.terms import Permission, Section
from vorbehalt.reservation.uses import Uses
from vorbehalt.settings.digest import without_password
from vorbehalt.settings.model import HostSettings, Settings, StateSettings

_PURPOSES = {Purpose.SEARCH: "AI search index", Purpose.SEARCH_ENGINE: "search engine"}
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def describe(settings: Settings) -> list[str]:
    """Return the effective policy, one sentence or rule a line: who, what happens, quota, mode, why."""
    lines: list[str] = []
    for host in (settings.default_host, *settings.hosts):
        lines += _describe_host(host, settings)
    lines += _describe_process(settings)
    return lines


def _describe_host(host: HostSettings, settings: Settings) -> list[str]:
    names = ", ".join(host.names) if host.names else ", ".join((*settings.site_hosts, "every other host"))
    mode = "enforced" if host.mode == "enforce" else "observed only: everybody is answered"
    lines = [
        f"{host.terms.origin} ({names}): preset {host.preset}, {mode}.",
        f"Reservation: {_uses(host.terms.uses)}.",
        *(
            f"Section {section.name} ({_place(section)}): {_uses(section.uses)}."
            for section in host.terms.sections
        ),
        *map(_permission, host.terms.permissions),
        *_works(host),
        "The first rule that matches decides:",
    ]
    for number, rule in enumerate(host.rules, 1):
        lines.append(f"{number:3}. {describe_rule(rule, host.mode)}")
    lines.append(f"{len(host.rules) + 1:3}. {DEFAULT_ALLOW.name}: everybody else is answered.")
    if host.open_paths:
        lines.append(f"Never judged, besides the signal documents: {', '.join(host.open_paths)}.")
    return lines


def _place(section: Section) -> str:
    parts = [", ".join(section.paths), *([f"only {', '.join(section.media)}"] if section.media else [])]
    parts += [f"works {', '.join(section.works)}"] if section.works else []
    parts += [f"rights of {section.rightsholder}"] if section.rightsholder else []
    return "; ".join(parts)


def _works(host: HostSettings) -> list[str]:
    named = [*host.catalogue, *(f"the pattern {pattern}" for pattern in host.work_patterns)]
    return [f"Records name works by {', '.join(named)}."] if named else []


def _permission(permission: Permission) -> str:
    uses = ", ".join(permission.uses)
    where = f" in {', '.join(permission.sections)}" if permission.sections else ""
    return (
        f"Permission {permission.reference}: {permission.licensee} may use it for {uses}{where}, if verified."
    )


def describe_rule(rule: Rule, site_mode: Mode) -> str:
    """Return one rule as a sentence."""
    parts = [f"{rule.name}: {_who(rule.match)} {_effect(rule)}"]
    if (rule.mode or site_mode) == "observe" and (rule.action is not Action.ALLOW or rule.limit):
        parts.append("observed only, all are answered")
    if rule.until is not None:
        parts.append(f"until {rule.until:%Y-%m-%d %H:%M} UTC")
    code = rule.reason or derived_reason(rule.match)
    return ", ".join(parts) + f". Why: {REASONS.get(code, code)}"


def _effect(rule: Rule) -> str:
    if rule.action is Action.BLOCK:
        return "are refused (403)"
    if rule.action is Action.CHALLENGE and rule.limit:
        return f"should be challenged; instead they are answered, {_quota(rule.limit)}, beyond that 429"
    if rule.limit is not None:
        return f"are answered, {_quota(rule.limit)}, beyond that 429"
    return "are refused (429)" if rule.action is not Action.ALLOW else "are answered"


def _quota(quota: Quota) -> str:
    seconds, unit = next((s, u) for s, u in _UNITS if quota.period_seconds % s == 0)
    times = quota.period_seconds // seconds
    period = unit if times == 1 else f"{times} {unit}s"
    per: str = "address (IPv6: /64)" if quota.per == "prefix" else quota.per
    per += " and class (pages, media, search, feeds)" if quota.by_class else ""
    burst = f", at most {quota.burst} at once" if quota.burst else ""
    return (
        f"{quota.count} a {period} per {per}{burst}"
        if times == 1
        else f"{quota.count} in {period} per {per}{burst}"
    )


def _who(match: Match) -> str:
    about: list[str] = []
    if match.purpose:
        about.append("purpose " + _either([_PURPOSES.get(p, p.value) for p in match.purpose]))
    if match.token:
        about.append("token " + _either(match.token))
    if match.operator:
        about.append("operator " + _either(match.operator))
    if match.standing:
        about.append("standing " + _either([s.value for s in match.standing]))
    if match.basis:
        about.append("purpose stated by " + _either([_BASIS[b] for b in match.basis]))
    if match.control is not None:
        about.append("a name for robots.txt only" if match.control else "no name for robots.txt only")
    if match.legal_deposit is not None:
        about.append("a legal-deposit library" if match.legal_deposit else "no legal-deposit library")
    for word, values in (("path", match.path), ("section", match.section), ("class", match.classes),
                         ("finding", match.finding),
                         ("address in", match.address), ("host", match.host)):  # fmt: skip
        if values:
            about.append(f"{word} {_either(values)}")
    if match.score is not None:
        about.append(f"score of {match.score} or more")
    return f"those with {'; '.join(about)}" if about else "all"


_BASIS = {"operator": "the operator", "third-party": "third parties", "inferred": "inference"}


def _either(values: tuple[str, ...] | list[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _uses(uses: Uses) -> str:
    words = (
        ("search", uses.search),
        ("training", uses.training),
        ("AI input", uses.ai_input),
        ("TDM", uses.tdm),
    )
    return ", ".join(f"{word} {'reserved' if stance == 'reserve' else 'allowed'}" for word, stance in words)


def _anchor(target: Target) -> str:
    every = f"every {target.every_seconds / 60:g} minutes, if the log has grown"
    if isinstance(target, TimeStamper):
        return f"{'qualified ' if target.qualified else ''}time stamps by {target.url}, {every}"
    if isinstance(target, WitnessTarget):
        return f"cosignatures by {target.url}, {every}"
    return f"a copy of the checkpoint ({target.form}) in {target.folder}, {every}"


def _describe_process(settings: Settings) -> list[str]:
    evidence = settings.evidence
    where = {"off": "no evidence is kept", "memory:": "evidence is kept in memory only and lost at the end"}
    lines = [
        where.get(evidence.directory, f"Evidence is kept in {evidence.directory}")[0].upper()
        + where.get(evidence.directory, f"Evidence is kept in {evidence.directory}")[1:]
        + f", log {evidence.origin}."
    ]
    lines += [f"Anchor {target.name}: {_anchor(target)}." for target in evidence.anchors]
    proxies = settings.network.trusted_proxies
    lines.append(
        f"Client addresses are taken from proxies in {', '.join(proxies)}."
        if proxies
        else "No proxy is trusted: the peer of the connection is the client."
    )
    if settings.state.redis:
        lines += _describe_sharing(settings.state)
    rules = settings.registry
    lines.append(
        f"Rules {rules.version}: {len(rules.crawlers)} crawlers and tools, digest {rules.digest[:16]}."
    )
    return lines


def _describe_sharing(state: StateSettings) -> list[str]:
    kind = "cluster" if state.cluster else "server"
    where = f"Limits are shared through the Redis {kind} {without_password(state.redis or '')}"
    how = (
        "quotas of crawlers are decided there, all others here and shared within 0.1 s"
        if state.strict
        else "decided in each worker and shared within 0.1 s"
    )
    lines = [f"{where}: {how}; keys begin with {state.prefix}."]
    if not state.place.salt:
        lines.append(
            "Keys in Redis are digests without a secret: whoever reads them can find addresses by trying all"
            " of them; set state.secret."
        )
    return lines
