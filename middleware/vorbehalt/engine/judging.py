"""The only orchestration: visit -> identity -> findings -> verdict. Knows no framework.

An engine never changes what it knows: a new configuration is a new engine. What moves is passed in (limits)
or replaced whole (the signals of a host, once the site's own robots.txt has been read).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from vorbehalt.engine.conduct import Conduct, decides
from vorbehalt.engine.considered import Considered
from vorbehalt.engine.plan import OPEN_RULE, HostPlan, reserved_purposes
from vorbehalt.facts import Action, Purpose, Standing, Visit
from vorbehalt.identify.answers import NO_ANSWERS, Answers
from vorbehalt.identify.identity import Claim, Identity, establish, signed_claim
from vorbehalt.identify.means import operator_means
from vorbehalt.identify.networks import RangeList, read_range_lists
from vorbehalt.identify.tokens import ClaimCache, TokenIndex
from vorbehalt.patterns.score import CALM
from vorbehalt.policy.classes import class_of
from vorbehalt.policy.disarm import Disarm
from vorbehalt.policy.levels import BY_CONDUCT
from vorbehalt.policy.licence import licensed
from vorbehalt.policy.overrides import Overriding
from vorbehalt.policy.rules import Case
from vorbehalt.policy.select import Policy
from vorbehalt.policy.verdict import Allowance, Verdict
from vorbehalt.reservation.bundle import Bundle, render
from vorbehalt.reservation.path_pattern import PathPattern
from vorbehalt.reservation.robots.in_force import read_robots
from vorbehalt.reservation.sections import SectionIndex
from vorbehalt.settings.model import HostSettings, Settings
from vorbehalt.stores.base import LimitStore

_SEARCH_ENGINES = frozenset({Purpose.SEARCH_ENGINE})
_IDENTITIES = 20_000
_NS_PER_MINUTE = 60_000_000_000


Lists = Mapping[str, RangeList]


class Outside(Protocol):
    """What others say about a client; answers what is known by now, and has the rest looked up."""

    def answers(self, claim: Claim | None, visit: Visit) -> Answers: ...


class Works(Protocol):
    """Which works lie where; answers from memory, never raises."""

    def works_at(self, host: HostSettings, visit: Visit) -> tuple[str, ...]: ...


class Engine:
    """Judges visits by one configuration.

    `ranges` are the address lists in force, or those of a time (nanoseconds UTC); None: those of the rules.
    """

    def __init__(
        self,
        settings: Settings,
        limits: LimitStore,
        site_robots: Mapping[str, bytes] | None = None,
        *,
        ranges: Lists | Callable[[int], Lists] | None = None,
        outside: Outside | None = None,
        disarm: Disarm | None = None,
        overriding: Overriding | None = None,
        conduct: Conduct | None = None,
        works: Works | None = None,
    ) -> None:
        self._works = works
        self.settings = settings
        self.limits = limits
        self.index = TokenIndex(settings.registry)
        self.claims = ClaimCache(self.index)
        self.ranges: Lists = {}
        self._ranges_at: Callable[[int], Lists] | None = None
        if callable(ranges):
            self._ranges_at = ranges
        else:
            self.ranges = _range_lists(settings.rules_documents) if ranges is None else ranges
        self.documented = operator_means(settings.registry)
        self.disarm = Disarm() if disarm is None else disarm
        self.overriding = Overriding() if overriding is None else overriding
        self._outside = outside
        self.conduct = conduct
        self.versions = {
            "rules": settings.registry.version,
            "rules_digest": settings.registry.digest,
            "config": settings.digest,
        }
        self._identities: dict[tuple[object, ...], Identity] = {}
        known = site_robots or {}
        self.default = self._plan(settings.default_host, known.get(settings.default_host.key))
        self.hosts: dict[str, HostPlan] = {}
        for host in settings.hosts:
            plan = self._plan(host, known.get(host.key))
            for name in host.names:
                self.hosts[name] = plan

    def _plan(self, host: HostSettings, robots: bytes | None) -> HostPlan:
        bundle = self.render(host, robots)
        return HostPlan(
            settings=host,
            sections=SectionIndex(host.terms),
            policy=Policy(host.rules, host.mode, scope=host.key),
            open_paths=tuple(PathPattern.of_decoded(path) for path in host.open_paths),
            bundle=bundle,
            robots=read_robots(host.terms, bundle),
        )

    def plans(self) -> tuple[HostPlan, ...]:
        """Return every host's plan once, the default host first."""
        return (self.default, *{id(plan): plan for plan in self.hosts.values()}.values())

    def plan(self, host: str) -> HostPlan:
        """Return the plan of a host name (lower case, no port); unknown hosts get the default terms."""
        return self.hosts.get(host, self.default)

    def works_of(self, visit: Visit) -> tuple[str, ...]:
        """Return the works that a visit asked for; for those that leave a record, not for every reader."""
        return () if self._works is None else self._works.works_at(self.plan(visit.host).settings, visit)

    def render(self, host: HostSettings, site_robots: bytes | None) -> Bundle:
        """Render all signals of a host, merged with the site's own robots.txt where there is one."""
        registry = self.settings.registry
        purposes = reserved_purposes(host.terms)
        refused = registry.robots_tokens(purposes)
        if Purpose.TRAINING in purposes:
            refused = (*refused, *host.terms.vocabulary.shared_training)
        return render(host.terms, site_robots, refused, registry.robots_tokens(_SEARCH_ENGINES))

    def identify(self, visit: Visit) -> Identity | None:
        """Establish who is asking; None without a claim. Cached per crawler, address and minute."""
        claim = self.claims.get(visit.header(b"user-agent"))
        answers = NO_ANSWERS if self._outside is None else self._outside.answers(claim, visit)
        if claim is None and answers.signature is not None:
            claim = signed_claim(answers.signature, self.documented)
        return None if claim is None else self._identity(claim, visit, answers)

    def _identity(self, claim: Claim, visit: Visit, answers: Answers) -> Identity:
        client, dns = visit.client, answers.dns
        minute = visit.received_at // _NS_PER_MINUTE
        tokens = (claim.crawler.token, *(other.token for other in claim.others))
        key = (tokens, client.text, client.source, minute, dns and (dns.asked_at, dns.outcome))
        # A signature holds for one request only.
        identity = self._identities.get(key) if answers.signature is None else None
        if identity is None:
            network = self.settings.network
            identity = establish(
                claim,
                client,
                self.ranges if self._ranges_at is None else self._ranges_at(visit.received_at),
                visit.received_at,
                dns=dns,
                signature=answers.signature,
                documented=self.documented,
                awaited=answers.awaited,
                hit_max_age_days=network.ranges_hit_max_age_days,
                miss_max_age_hours=network.ranges_miss_max_age_hours,
            )
            if answers.signature is None:
                if len(self._identities) >= _IDENTITIES:
                    self._identities.clear()
                self._identities[key] = identity
        return identity

    def judge(self, visit: Visit) -> Verdict:
        """Decide on one visit. Total: every visit gets a verdict. Charges quotas, writes nothing."""
        considered = self._consider(visit, is_final=True)
        if isinstance(considered, Verdict):
            return considered
        return self.conclude(considered, self.charge(considered))

    def consider(self, visit: Visit) -> Verdict | Considered:
        """Find out who asks and which rule decides; a visit that no rule concerns has its verdict by that.

        Once for each visit: a nonce counts once. Charges nothing.
        """
        return self._consider(visit, is_final=False)

    def _consider(self, visit: Visit, *, is_final: bool) -> Verdict | Considered:
        """The same. `is_final`: nobody asks for the rule, so ordinary visitors have their verdict at once."""
        plan = self.plan(visit.host)
        section = plan.sections.find(visit.path)
        identity = self.identify(visit)
        digest = plan.bundle.digest
        document = plan.document(visit.path)
        if document is not None or plan.is_open(visit.path):
            if self.conduct is not None and visit.path == plan.settings.terms.robots_path:
                self.conduct.fetched_robots(plan, visit, identity)
            return Verdict(
                action=Action.ALLOW,
                would=Action.ALLOW,
                enforced=True,
                rule=OPEN_RULE,
                reasons=("never-judged",),
                identity=identity,
                section=section,
                reservation=digest,
            )
        client = visit.client
        policy = plan.policy
        found = CALM
        if self.conduct is not None and (identity is None or identity.purpose in BY_CONDUCT):
            found = self.conduct.assess(plan, visit, identity)
        if (
            is_final
            and identity is None
            and found is CALM
            and (verdict := plan.reader_verdict(section)) is not None
        ):
            return verdict
        case = Case(
            received_at=visit.received_at,
            identity=identity,
            findings=found.findings,
            score=found.score,
            level=found.level if found is CALM or decides(visit, identity) else "observe",
            path=visit.path,
            section=section,
            host=visit.host,
            address=client.text,
            address_usable=client.is_usable,
            reservation=digest,
            request_class=class_of(visit.path, visit.target) if policy.asks_class else "pages",
        )
        if identity is not None:
            self.disarm.note(identity.purpose, identity.standing, visit.received_at)
        rule = policy.select(case)
        return Considered(visit, plan, case, rule, policy.quota_key(rule, case))

    def charge(self, considered: Considered) -> Allowance | None:
        """Charge the quota of what was considered, as this process knows it; None if there is none."""
        key, quota = considered.key, considered.rule.limit
        if key is None or quota is None:
            return None
        return self.limits.charge(key, quota, considered.case.received_at)

    def conclude(self, considered: Considered, allowance: Allowance | None) -> Verdict:
        """Say what the rule means, given what its quota had left."""
        case, plan = considered.case, considered.plan
        at = case.received_at
        verdict = self._disarmed(plan.policy.conclude(case, considered.rule, allowance), at)
        verdict = licensed(plan.settings.terms, verdict, at)
        return self.overriding.apply(verdict, considered.visit.client, at)

    def _disarmed(self, verdict: Verdict, at: int) -> Verdict:
        """While the impostor rule is disarmed, a contradicted search engine is only observed."""
        identity = verdict.identity
        if (
            not verdict.is_refusal
            or identity is None
            or identity.purpose is not Purpose.SEARCH_ENGINE
            or identity.standing is not Standing.CONTRADICTED
            or not self.disarm.is_disarmed(at)
        ):
            return verdict
        return replace(
            verdict, action=Action.ALLOW, enforced=False, reasons=(*verdict.reasons, "impostor-rule-disarmed")
        )


_last_ranges: tuple[Mapping[str, bytes], Mapping[str, RangeList]] | None = None


def _range_lists(documents: Mapping[str, bytes]) -> Mapping[str, RangeList]:
    global _last_ranges
    # A configuration is read again every time it changes, the lists hardly ever are.
    kept = _last_ranges
    if kept is None or kept[0] != documents:
        kept = _last_ranges = (documents, MappingProxyType(read_range_lists(documents)))
    return kept[1]
