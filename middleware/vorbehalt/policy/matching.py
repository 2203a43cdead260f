"""One rule made ready to match: what a claim settles is asked once per claim, the rest per request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from vorbehalt.facts import Action, Purpose, Standing
from vorbehalt.identify.identity import Identity
from vorbehalt.identify.networks import NetworkSet
from vorbehalt.identify.registry import Crawler
from vorbehalt.patterns.definition import LEVELS
from vorbehalt.policy.compile import derived_reason
from vorbehalt.policy.levels import BY_CONDUCT
from vorbehalt.policy.rules import Case, Quota, Rule
from vorbehalt.reservation.path_pattern import PathPattern

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReadyRule:
    """A rule with its patterns compiled. A malformed network raises ValueError."""

    __slots__ = (
        "expires_at",
        "findings",
        "host_tails",
        "hosts",
        "is_free",
        "least",
        "match",
        "networks",
        "operators",
        "paths",
        "quota_head",
        "reason",
        "refuses",
        "rule",
        "sections",
        "tokens",
    )  # fmt: skip

    def __init__(self, rule: Rule, scope: str) -> None:
        match = rule.match
        self.rule = rule
        self.match = match
        self.tokens = frozenset(token.lower() for token in match.token)
        self.operators = frozenset(operator.lower() for operator in match.operator)
        self.paths = tuple(PathPattern.of_decoded(path) for path in match.path)
        self.sections = frozenset(match.section)
        self.findings = frozenset(match.finding)
        self.least = LEVELS.index(match.level) if match.level in LEVELS else 0
        self.networks = NetworkSet(match.address, any_length=True) if match.address else None
        hosts = [host.lower() for host in match.host]
        self.hosts = frozenset(host for host in hosts if not host.startswith("*."))
        self.host_tails = tuple(host[1:] for host in hosts if host.startswith("*."))
        self.expires_at = None if rule.until is None else _nanoseconds(rule.until)
        self.refuses = rule.action is not Action.ALLOW or rule.limit is not None
        self.reason = rule.reason or derived_reason(match)
        self.quota_head = "" if rule.limit is None else quota_head_of(rule.name, rule.limit, scope)
        # True if the claim alone decides: nothing is left to ask of the request.
        self.is_free = (
            not (match.path or match.section or match.classes or match.finding or match.host)
            and self.networks is None
            and match.score is None
            and not self.least
            and self.expires_at is None
        )

    def concerns(self, identity: Identity | None) -> bool:
        """True if the rule may hold for a visitor with this identity, whatever the rest of the request."""
        match = self.match
        if identity is None:
            return not (
                match.token or match.operator or match.purpose or match.standing or match.basis
            ) and match.control is None and match.legal_deposit is None  # fmt: skip
        crawler = identity.crawler
        if self.least and crawler.purpose not in BY_CONDUCT:
            return False
        if _is_genuine_search_engine(identity) and (match.finding or match.score is not None):
            return False
        return (
            (not self.tokens or not self.tokens.isdisjoint(_names(crawler)))
            and (not self.operators or not self.operators.isdisjoint(_parties(crawler)))
            and (not match.purpose or crawler.purpose in match.purpose)
            and (not match.standing or identity.standing in match.standing)
            and (not match.basis or crawler.purpose_basis in match.basis)
            and match.control in (None, crawler.is_control)
            and match.legal_deposit in (None, crawler.legal_deposit)
        )

    def holds(self, case: Case) -> bool:
        """True if what the rule asks of the request itself is given."""
        match = self.match
        if self.expires_at is not None and case.received_at >= self.expires_at:
            return False
        if self.sections and case.section not in self.sections:
            return False
        if match.classes and case.request_class not in match.classes:
            return False
        if self.paths and not any(path.matches(case.path) for path in self.paths):
            return False
        if match.host and case.host not in self.hosts and not case.host.endswith(self.host_tails):
            return False
        if self.networks is not None:
            # A forged or shared address must not get anybody refused; it may only get somebody answered.
            if case.address is None or (self.refuses and not case.address_usable):
                return False
            if not self.networks.contains(case.address):
                return False
        if self.findings and not any(finding.id in self.findings for finding in case.findings):
            return False
        if self.least and LEVELS.index(case.level) < self.least:
            return False
        return match.score is None or case.score >= match.score


def quota_head_of(name: str, quota: Quota, scope: str) -> str:
    """Return what the keys of a rule's quota begin with."""
    # The quota is part of the key: after a reload with another quota the old count means nothing.
    return f"{scope}|{name}|{quota.count}/{quota.period_seconds}|"


def _is_genuine_search_engine(identity: Identity) -> bool:
    return identity.purpose is Purpose.SEARCH_ENGINE and identity.standing is not Standing.CONTRADICTED


def _names(crawler: Crawler) -> set[str]:
    return {name.lower() for name in (crawler.token, *crawler.aliases)}


def _parties(crawler: Crawler) -> set[str]:
    party = crawler.party
    return {party.name.lower(), party.id.lower()} if party.is_operator else set()


def _nanoseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1) * 1000
