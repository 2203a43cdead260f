"""A policy at work: which rule concerns a request, and what it says. Pure, total and deterministic."""

from __future__ import annotations

from collections.abc import Iterable

from vorbehalt.facts import Action, Purpose, Standing
from vorbehalt.identify.identity import Identity
from vorbehalt.identify.networks import limit_key
from vorbehalt.policy.compile import derived_reason
from vorbehalt.policy.matching import ReadyRule, quota_head_of
from vorbehalt.policy.rules import Case, Match, Mode, Rule
from vorbehalt.policy.verdict import Allowance, Verdict

DEFAULT_ALLOW = Rule("default-allow", Match(), Action.ALLOW)
"""Stands behind every policy, so that every request gets a verdict."""

_PROVEN = frozenset({Standing.SIGNED, Standing.VERIFIED})
_KEPT_CLAIMS = 8192
_KEPT_VERDICTS = 8192

_Claim = tuple[str, str | None, Purpose, str, bool, bool, Standing]


class Policy:
    """Ordered rules and the site's mode, ready to judge. The first rule that matches decides.

    Rules that ask for findings or a score pass over search engines, unless what could be checked contradicts
    the claim. `scope` keeps the quotas of two hosts apart. A malformed network raises ValueError.
    """

    def __init__(self, rules: Iterable[Rule], mode: Mode = "enforce", *, scope: str = "") -> None:
        self.rules = (*rules, DEFAULT_ALLOW)
        self.mode: Mode = mode
        self._compiled = tuple(ReadyRule(rule, scope) for rule in self.rules)
        self._by_rule = {id(compiled.rule): compiled for compiled in self._compiled}
        self._scope = scope
        self.asks_class = any(
            rule.match.classes or (rule.limit is not None and rule.limit.by_class) for rule in self.rules
        )
        """True if the class of a request may matter."""
        self._readers = self._candidates(None)
        self._claims: dict[_Claim, tuple[ReadyRule, ...]] = {}
        self._verdicts: dict[tuple[int, int, str, str], tuple[Rule, Verdict]] = {}

    def select(self, case: Case) -> Rule:
        """Return the rule that decides this case; the last one holds for everybody."""
        for compiled in self._concerning(case.identity):
            if compiled.is_free or compiled.holds(case):
                return compiled.rule
        return DEFAULT_ALLOW

    def concerning(self, identity: Identity | None) -> tuple[Rule, ...]:
        """Return, in order, the rules of which one decides for this identity, depending on the request."""
        return tuple(compiled.rule for compiled in self._concerning(identity))

    def quota_key(self, rule: Rule, case: Case) -> str | None:
        """Return the key to charge for this case, None if nobody can be charged for it.

        Only proven requests (signed, verified) count for an operator or a crawler, so that nobody can use up
        the quota of somebody else by posing; all others count per address (IPv6: per /64), and only where the
        address is usable.
        """
        quota = rule.limit
        if quota is None:
            return None
        compiled = self._by_rule.get(id(rule))
        head = compiled.quota_head if compiled else quota_head_of(rule.name, quota, self._scope)
        if quota.by_class:
            head = f"{head}{case.request_class}|"
        identity = case.identity
        if quota.per != "prefix" and identity is not None and identity.standing in _PROVEN:
            if quota.per == "crawler" or identity.operator is None:
                return f"{head}crawler|{identity.token}"
            return f"{head}operator|{identity.operator}"
        if case.address is None or not case.address_usable:
            return None
        key = f"{head}address|{limit_key(case.address)}"
        return key if quota.per == "prefix" or identity is None else f"{key}|{identity.token}"

    def conclude(self, case: Case, rule: Rule, allowance: Allowance | None = None) -> Verdict:
        """Say what a rule means for this case; `allowance` is what its quota had left, if it was charged."""
        if allowance is not None or case.findings or case.score or case.level != "observe" or case.work:
            return self._conclude(case, rule, allowance)
        # A crawler that is refused comes again and again: the same verdict need not be built each time.
        # Both objects stay referenced by the kept verdict's entry, so that their ids cannot be reused.
        key = (id(rule), id(case.identity), case.section, case.reservation)
        kept = self._verdicts.get(key)
        if kept is None:
            if len(self._verdicts) >= _KEPT_VERDICTS:
                self._verdicts.clear()
            kept = self._verdicts[key] = (rule, self._conclude(case, rule, None))
        return kept[1]

    def _conclude(self, case: Case, rule: Rule, allowance: Allowance | None) -> Verdict:
        compiled = self._by_rule.get(id(rule))
        would, action, reasons = _effect(rule, allowance)
        reasons = (*reasons, _own_reason(rule, compiled, case.identity))
        enforced = (rule.mode or self.mode) == "enforce"
        if not enforced:
            if would is not Action.ALLOW:
                reasons = (*reasons, "observed")
            action = Action.ALLOW
        return Verdict(
            action=action,
            would=would,
            enforced=enforced,
            rule=rule.name,
            reasons=reasons,
            identity=case.identity,
            findings=case.findings,
            score=case.score,
            level=case.level,
            section=case.section,
            reservation=case.reservation,
            work=case.work,
            allowance=allowance,
        )

    def reader_verdict(self, section: str, reservation: str = "") -> Verdict | None:
        """Return the one verdict of every visitor to a section who shows neither claim nor finding.

        None if a rule would have to look at more (path, host, address, date, quota, a score of nothing).
        """
        case = Case(
            received_at=0,
            identity=None,
            findings=(),
            score=0,
            path="/",
            section=section,
            host="",
            address=None,
            address_usable=False,
            reservation=reservation,
        )
        for compiled in self._readers:
            match = compiled.match
            if compiled.findings or compiled.least or (match.score is not None and match.score > 0):
                continue
            if compiled.sections and section not in compiled.sections:
                continue
            undecided = match.path or match.host or match.classes or compiled.networks is not None
            if undecided or compiled.expires_at is not None or compiled.rule.limit is not None:
                return None
            return self.conclude(case, compiled.rule)
        return None

    def fixed_rule(self, identity: Identity) -> str:
        """Return the rule that decides on this identity whatever the rest of the request, "" if none.

        A rule with a quota is not fixed: it counts.
        """
        first = self._concerning(identity)[0]
        return first.rule.name if first.is_free and first.rule.limit is None else ""

    def _concerning(self, identity: Identity | None) -> tuple[ReadyRule, ...]:
        if identity is None:
            return self._readers
        crawler = identity.crawler
        claim = (
            crawler.token,
            crawler.operator,
            crawler.purpose,
            crawler.purpose_basis,
            crawler.is_control,
            crawler.legal_deposit,
            identity.standing,
        )
        found = self._claims.get(claim)
        if found is None:
            if len(self._claims) >= _KEPT_CLAIMS:
                self._claims.clear()
            found = self._claims[claim] = self._candidates(identity)
        return found

    def _candidates(self, identity: Identity | None) -> tuple[ReadyRule, ...]:
        found = []
        for compiled in self._compiled:
            if compiled.concerns(identity):
                found.append(compiled)
                if compiled.is_free:
                    break
        return tuple(found)


def _effect(rule: Rule, allowance: Allowance | None) -> tuple[Action, Action, tuple[str, ...]]:
    """What policy says, what is done about it where it is enforced, and the reasons that come first."""
    beyond = allowance is not None and not allowance.admitted
    if rule.action is Action.CHALLENGE:
        # No challenge can be shown by this version, so the quota that every such rule has stands in for it.
        action = Action.LIMIT if beyond else Action.ALLOW
        return Action.CHALLENGE, action, ("quota-exceeded",) * beyond + ("challenge-as-limit",)
    if rule.action is Action.LIMIT and rule.limit is None:
        return Action.LIMIT, Action.LIMIT, ()
    if rule.action is Action.BLOCK:
        return Action.BLOCK, Action.BLOCK, ()
    if beyond:
        return Action.LIMIT, Action.LIMIT, ("quota-exceeded",)
    return Action.ALLOW, Action.ALLOW, ()


def _own_reason(rule: Rule, compiled: ReadyRule | None, identity: Identity | None) -> str:
    if rule is DEFAULT_ALLOW:
        return "no-claim" if identity is None else "no-rule"
    return compiled.reason if compiled else rule.reason or derived_reason(rule.match)
