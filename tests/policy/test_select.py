"""Which rule decides, what it means, and whom a quota counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.facts import Action, Purpose, Standing
from vorbehalt.policy.reasons import REASONS
from vorbehalt.policy.rules import Case, Match, Quota, Rule
from vorbehalt.policy.select import DEFAULT_ALLOW, Policy
from vorbehalt.policy.verdict import Allowance, Verdict

BEYOND = Allowance(False, 10, 0, 60, 6, 60)
WITHIN = Allowance(True, 10, 9, 60, 0, 6)
QUOTA = Quota(10, 60, "prefix")


def rule(action: Action = Action.BLOCK, *, name: str = "r", **more: Any) -> Rule:
    settings = {key: more.pop(key) for key in ("limit", "mode", "until", "reason") if key in more}
    return Rule(name, Match(**more), action, **settings)


def decide(case: Case, *rules: Rule, mode: Any = "enforce") -> Verdict:
    policy = Policy(rules, mode)
    return policy.conclude(case, policy.select(case))


def test_the_first_rule_that_matches_decides(make_case: Any) -> None:
    first, second = rule(Action.ALLOW, name="first"), rule(name="second")
    assert decide(make_case(), first, second).rule == "first"
    assert decide(make_case(), second, first).rule == "second"


def test_without_a_matching_rule_the_request_is_answered(make_case: Any, make_identity: Any) -> None:
    nobody = decide(make_case())
    assert (nobody.action, nobody.rule, nobody.reasons) == (Action.ALLOW, "default-allow", ("no-claim",))
    assert decide(make_case(make_identity())).reasons == ("no-rule",)


MATCHES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"token": ("examplebot",)}, {}, {"token": "OtherBot"}),
    ({"token": ("Second",)}, {"aliases": ("second",)}, {"aliases": ()}),
    ({"operator": ("EXAMPLE AI",)}, {}, {"operator": "Other"}),
    ({"operator": ("example-ai",)}, {}, {"operator": None}),
    ({"purpose": (Purpose.SEARCH, Purpose.SEO)}, {"purpose": "seo"}, {"purpose": "feed"}),
    ({"standing": (Standing.CONTRADICTED,)}, {"standing": "contradicted"}, {"standing": "unknown"}),
    ({"basis": ("operator",)}, {}, {"basis": "inferred"}),
    ({"control": True}, {"is_control": True}, {"is_control": False}),
    ({"control": False}, {"is_control": False}, {"is_control": True}),
    ({"legal_deposit": False}, {}, {"legal_deposit": True}),
    ({"purpose": (Purpose.TRAINING,), "token": ("ExampleBot",)}, {}, {"token": "OtherBot"}),
]


@pytest.mark.parametrize(("match", "yes", "no"), MATCHES)
def test_a_rule_asks_for_the_claim(
    match: dict[str, Any], yes: dict[str, Any], no: dict[str, Any], make_case: Any, make_identity: Any
) -> None:
    assert decide(make_case(make_identity(**yes)), rule(**match)).action is Action.BLOCK
    assert decide(make_case(make_identity(**no)), rule(**match)).action is Action.ALLOW
    assert decide(make_case(None), rule(**match)).action is Action.ALLOW


REQUESTS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"path": ("/songs/",)}, {}, {"path": "/about"}),
    ({"path": ("/*.mp3$",)}, {"path": "/a/b.mp3"}, {"path": "/a/b.mp3x"}),
    ({"path": ("/x", "/songs/1$")}, {}, {"path": "/songs/12"}),
    ({"section": ("audio",)}, {"section": "audio"}, {"section": ""}),
    ({"host": ("LABEL.example",)}, {}, {"host": "www.label.example"}),
    ({"host": ("*.label.example",)}, {"host": "a.b.label.example"}, {"host": "label.example"}),
    ({"address": ("93.184.216.0/24",)}, {}, {"address": "93.184.217.1"}),
    ({"address": ("2606:2800::/32",)}, {"address": "2606:2800::1"}, {"address": "2606:2801::1"}),
    ({"address": ("93.184.216.0/24",)}, {}, {"address": None}),
    ({"address": ("93.184.216.0/24",)}, {}, {"address": "testclient"}),
    ({"address": ("93.184.216.0/24",)}, {}, {"address_usable": False}),
    ({"finding": ("stale-browser", "x")}, {"findings": ["x"]}, {"findings": ["y"]}),
    ({"score": 50}, {"score": 50}, {"score": 49}),
]


@pytest.mark.parametrize(("match", "yes", "no"), REQUESTS)
@pytest.mark.parametrize("claims", [True, False])
def test_a_rule_asks_for_the_request(
    match: dict[str, Any],
    yes: dict[str, Any],
    no: dict[str, Any],
    claims: bool,
    make_case: Any,
    make_identity: Any,
) -> None:
    identity = make_identity() if claims else None
    assert decide(make_case(identity, **yes), rule(**match)).action is Action.BLOCK
    assert decide(make_case(identity, **no), rule(**match)).action is Action.ALLOW


def test_an_unusable_address_gets_nobody_refused_but_may_get_somebody_answered(make_case: Any) -> None:
    case = make_case(address="10.0.0.7", address_usable=False)
    assert decide(case, rule(address=("10.0.0.0/8",))).rule == "default-allow"
    assert decide(case, rule(Action.ALLOW, address=("10.0.0.0/8",), limit=QUOTA)).rule == "default-allow"
    assert decide(case, rule(Action.ALLOW, address=("10.0.0.0/8",))).rule == "r"


def test_search_engines_are_immune_to_findings_unless_contradicted(
    make_case: Any, make_identity: Any
) -> None:
    by_finding, by_score = rule(finding=("x",)), rule(score=1)
    for standing in Standing:
        case = make_case(make_identity("search-engine", standing), findings=["x"], score=99)
        expected = Action.BLOCK if standing is Standing.CONTRADICTED else Action.ALLOW
        assert decide(case, by_finding).action is expected
        assert decide(case, by_score).action is expected
    assert decide(make_case(make_identity("search"), findings=["x"]), by_finding).action is Action.BLOCK


def test_an_expired_rule_is_passed_over_from_its_moment_on(make_case: Any) -> None:
    moment = datetime(2027, 1, 31, 12, tzinfo=UTC)
    at = int(moment.timestamp()) * 10**9
    ending = rule(until=moment)
    assert decide(make_case(received_at=at - 1), ending).rule == "r"
    assert decide(make_case(received_at=at), ending).rule == "default-allow"


def test_a_date_without_a_zone_means_utc(make_case: Any) -> None:
    naive = datetime(2027, 1, 31)
    at = int(naive.replace(tzinfo=UTC).timestamp()) * 10**9
    assert decide(make_case(received_at=at - 1), rule(until=naive)).rule == "r"
    assert decide(make_case(received_at=at), rule(until=naive)).rule == "default-allow"


@pytest.mark.parametrize(
    ("site", "own", "enforced"),
    [
        ("enforce", None, True),
        ("observe", None, False),
        ("enforce", "observe", False),
        ("observe", "enforce", True),
    ],
)
def test_a_rules_mode_beats_the_sites(site: Any, own: Any, enforced: bool, make_case: Any) -> None:
    verdict = decide(make_case(), rule(mode=own), mode=site)
    assert verdict.would is Action.BLOCK
    assert verdict.enforced is enforced
    assert verdict.action is (Action.BLOCK if enforced else Action.ALLOW)
    assert ("observed" in verdict.reasons) is not enforced


def test_a_quota_answers_within_and_limits_beyond(make_case: Any) -> None:
    limited = rule(Action.ALLOW, limit=QUOTA)
    policy, case = Policy([limited]), make_case()
    assert policy.conclude(case, limited, WITHIN).action is Action.ALLOW
    assert policy.conclude(case, limited, None).action is Action.ALLOW
    beyond = policy.conclude(case, limited, BEYOND)
    assert (beyond.action, beyond.would) == (Action.LIMIT, Action.LIMIT)
    assert beyond.reasons[0] == "quota-exceeded"
    assert beyond.allowance is BEYOND
    observed = Policy([limited], "observe").conclude(case, limited, BEYOND)
    assert (observed.action, observed.would, observed.enforced) == (Action.ALLOW, Action.LIMIT, False)


def test_a_limit_without_a_quota_refuses_and_one_with_a_quota_does_not(make_case: Any) -> None:
    assert decide(make_case(), rule(Action.LIMIT)).action is Action.LIMIT
    assert decide(make_case(), rule(Action.LIMIT, limit=QUOTA)).action is Action.ALLOW


def test_a_rule_of_another_policy_is_concluded_all_the_same(make_case: Any) -> None:
    verdict = Policy([]).conclude(make_case(), rule(path=("/a",)))
    assert (verdict.action, verdict.reasons) == (Action.BLOCK, ("site-rule-path",))
    assert Policy([]).conclude(make_case(), rule(reason="training-reserved")).reasons == (
        "training-reserved",
    )


def test_what_is_kept_between_requests_stays_bounded(make_case: Any, make_identity: Any) -> None:
    policy = Policy([rule(purpose=(Purpose.TRAINING,))])
    for index in range(9000):
        case = make_case(make_identity(token=f"Bot{index}"))
        policy.conclude(case, policy.select(case))
    assert len(policy._verdicts) <= 8192
    assert len(policy._claims) <= 8192


def test_a_block_is_no_matter_of_quota(make_case: Any) -> None:
    blocking = rule(limit=QUOTA)
    assert Policy([blocking]).conclude(make_case(), blocking, WITHIN).action is Action.BLOCK


def test_a_challenge_acts_as_a_limit_and_says_so(make_case: Any) -> None:
    asking = rule(Action.CHALLENGE, limit=QUOTA)
    policy, case = Policy([asking]), make_case()
    for allowance, action in ((None, Action.ALLOW), (WITHIN, Action.ALLOW), (BEYOND, Action.LIMIT)):
        verdict = policy.conclude(case, asking, allowance)
        assert (verdict.action, verdict.would) == (action, Action.CHALLENGE)
        assert "challenge-as-limit" in verdict.reasons


def test_a_verdict_carries_what_the_case_knew(make_case: Any, make_identity: Any) -> None:
    identity = make_identity()
    case = make_case(identity, section="audio", reservation="d" * 64, findings=["x"], score=7, work="W-1")
    verdict = decide(case, rule(reason="training-reserved"))
    assert verdict.identity is identity
    assert (verdict.section, verdict.reservation, verdict.score, verdict.work) == (
        "audio",
        "d" * 64,
        7,
        "W-1",
    )
    assert verdict.findings == case.findings
    assert verdict.reasons == ("training-reserved",)


def test_a_repeated_case_gets_an_equal_verdict_and_another_case_its_own(
    make_case: Any, make_identity: Any
) -> None:
    policy = Policy([rule(purpose=(Purpose.TRAINING,)), rule(name="s", purpose=(Purpose.SEARCH,))])
    training, search = make_identity("training"), make_identity("search", token="B")
    for identity, section, digest in (
        (training, "", "a"),
        (search, "", "a"),
        (training, "x", "a"),
        (training, "", "b"),
    ):
        case = make_case(identity, section=section, reservation=digest)
        once, again = (policy.conclude(case, policy.select(case)) for _ in range(2))
        assert once == again
        assert (once.identity, once.section, once.reservation) == (identity, section, digest)


def test_the_same_token_with_another_purpose_is_judged_anew(make_case: Any, make_identity: Any) -> None:
    policy = Policy([rule(purpose=(Purpose.TRAINING,))])
    answers = [
        policy.select(make_case(make_identity(purpose))).name for purpose in ("training", "feed", "training")
    ]
    assert answers == ["r", "default-allow", "r"]


class TestQuotaKeys:
    def key(self, case: Case, per: Any, scope: str = "") -> str | None:
        limited = rule(Action.ALLOW, limit=Quota(10, 60, per))
        return Policy([limited], scope=scope).quota_key(limited, case)

    def test_an_unusable_address_is_never_a_key(self, make_case: Any, make_identity: Any) -> None:
        for per in ("prefix", "crawler", "operator"):
            for identity in (None, make_identity(standing="claimed"), make_identity(standing="unknown")):
                assert self.key(make_case(identity, address_usable=False), per) is None
                assert self.key(make_case(identity, address=None), per) is None

    def test_proven_requests_of_an_operator_count_together_wherever_they_come_from(
        self, make_case: Any, make_identity: Any
    ) -> None:
        cases = [
            make_case(make_identity(standing=standing, token=token), address=address, address_usable=usable)
            for standing in ("signed", "verified")
            for token in ("A", "B")
            for address, usable in (("93.184.216.34", True), ("93.184.216.35", True), (None, False))
        ]
        assert len({self.key(case, "operator") for case in cases}) == 1
        assert len({self.key(case, "crawler") for case in cases}) == 2
        assert None not in {self.key(case, "operator") for case in cases}

    def test_posing_never_uses_up_the_quota_of_another(self, make_case: Any, make_identity: Any) -> None:
        for per in ("operator", "crawler"):
            genuine = self.key(make_case(make_identity(standing="verified")), per)
            for standing in ("consistent", "claimed", "unknown", "contradicted"):
                posing = [
                    self.key(make_case(make_identity(standing=standing), address=a), per)
                    for a in ("8.8.8.8", "9.9.9.9")
                ]
                assert len({genuine, *posing}) == 3

    def test_a_quota_per_crawler_keeps_unproven_crawlers_of_one_address_apart(
        self, make_case: Any, make_identity: Any
    ) -> None:
        one, two = (make_case(make_identity(token=token)) for token in ("A", "B"))
        assert self.key(one, "crawler") != self.key(two, "crawler")
        assert self.key(one, "prefix") == self.key(two, "prefix")
        assert self.key(make_case(None), "crawler") == self.key(make_case(None), "crawler")

    def test_one_ipv6_network_of_64_bits_is_one_client(self, make_case: Any) -> None:
        keys = [
            self.key(make_case(address=a), "prefix")
            for a in ("2606:2800:220:1::1", "2606:2800:220:1:f::2", "2606:2800:220:2::1")
        ]
        assert keys[0] == keys[1] != keys[2]

    def test_rules_quotas_and_scopes_are_counted_apart(self, make_case: Any) -> None:
        case = make_case()
        rules = [
            rule(Action.ALLOW, name=name, limit=Quota(count, 60))
            for name, count in (("a", 1), ("b", 1), ("a", 2))
        ]
        keys = {
            Policy([each], scope=scope).quota_key(each, case) for each in rules for scope in ("", "x.example")
        }
        assert len(keys) == 6

    def test_a_rule_without_a_quota_has_no_key(self, make_case: Any) -> None:
        free = rule(Action.ALLOW)
        assert Policy([free]).quota_key(free, make_case()) is None


class TestReaders:
    SLOW: tuple[dict[str, Any], ...] = (
        {"path": ("/a",)},
        {"host": ("x.example",)},
        {"address": ("93.184.216.0/24",)},
        {"until": datetime(2027, 1, 1, tzinfo=UTC)},
        {"action": Action.ALLOW, "limit": QUOTA},
    )

    @pytest.mark.parametrize("more", SLOW)
    def test_a_rule_that_could_concern_readers_needs_the_slow_path(self, more: dict[str, Any]) -> None:
        assert Policy([rule(**more)]).reader_verdict("") is None

    @pytest.mark.parametrize(
        "more",
        [
            {"token": ("A",)},
            {"purpose": (Purpose.FEED,)},
            {"standing": (Standing.UNKNOWN,), "path": ("/a",)},
            {"finding": ("x",), "path": ("/a",)},
            {"score": 1},
            {"section": ("audio",), "path": ("/a",)},
        ],
    )
    def test_a_rule_that_cannot_concern_readers_costs_them_nothing(self, more: dict[str, Any]) -> None:
        verdict = Policy([rule(**more)]).reader_verdict("")
        assert verdict is not None
        assert verdict.rule == "default-allow"

    def test_a_score_of_nothing_concerns_everybody(self) -> None:
        verdict = Policy([rule(score=0)]).reader_verdict("")
        assert verdict is not None
        assert verdict.rule == "r"

    def test_a_rule_behind_one_that_decides_costs_nothing(self) -> None:
        policy = Policy([rule(Action.ALLOW, name="all"), rule(path=("/a",))])
        verdict = policy.reader_verdict("")
        assert verdict is not None
        assert verdict.rule == "all"

    def test_a_section_has_its_own_answer_and_digest(self) -> None:
        policy = Policy([rule(section=("press",))])
        press, rest = policy.reader_verdict("press", "d"), policy.reader_verdict("", "d")
        assert press is not None
        assert rest is not None
        assert (press.action, press.section, press.reservation) == (Action.BLOCK, "press", "d")
        assert rest.action is Action.ALLOW


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "purpose": st.lists(st.sampled_from(Purpose), max_size=2).map(tuple),
        "standing": st.lists(st.sampled_from(Standing), max_size=2).map(tuple),
        "path": st.sampled_from([(), ("/a",), ("/*b$",)]),
        "section": st.sampled_from([(), ("s",)]),
        "finding": st.sampled_from([(), ("x",)]),
        "score": st.sampled_from([None, 0, 5]),
        "address": st.sampled_from([(), ("93.184.216.0/24",)]),
        "host": st.sampled_from([(), ("h.example",)]),
    }
    match = Match(**{name: draw(values) for name, values in optional.items()})
    return Rule(
        draw(st.sampled_from(["a", "b", "c"])),
        match,
        draw(st.sampled_from(Action)),
        draw(st.sampled_from([None, QUOTA])),
        draw(st.sampled_from([None, "observe", "enforce"])),
        draw(st.sampled_from([None, datetime(2027, 1, 1, tzinfo=UTC)])),
    )


@given(
    st.lists(rules(), max_size=6),
    st.sampled_from(["observe", "enforce"]),
    st.sampled_from([None, *Purpose]),
    st.sampled_from(Standing),
    st.sampled_from(["/a", "/b", "/c"]),
    st.integers(0, 10),
    st.booleans(),
    st.sampled_from([None, WITHIN, BEYOND]),
)
def test_every_case_gets_one_and_the_same_verdict(
    listed: list[Rule],
    mode: Any,
    purpose: Any,
    standing: Any,
    path: str,
    score: int,
    usable: bool,
    allowance: Any,
) -> None:
    from vorbehalt.identify.identity import Identity
    from vorbehalt.identify.registry import Crawler, Party

    identity = None
    if purpose is not None:
        identity = Identity(Crawler("T", Party("p", "P", True), "crawler", purpose, "operator"), standing, "")
    now = int(datetime(2026, 12, 31, tzinfo=UTC).timestamp()) * 10**9
    case = Case(now, identity, (), score, path, "s", "h.example", "93.184.216.34", usable)
    policy = Policy(listed, mode)
    chosen = policy.select(case)
    verdict = policy.conclude(case, chosen, allowance)
    assert chosen is DEFAULT_ALLOW or chosen in listed
    assert verdict == Policy(listed, mode).conclude(case, Policy(listed, mode).select(case), allowance)
    assert verdict.reasons
    assert set(verdict.reasons) <= set(REASONS)
    if (chosen.mode or mode) == "observe":
        assert verdict.action is Action.ALLOW
    if allowance is None and chosen.action is Action.ALLOW:
        assert verdict.action is Action.ALLOW
    # The shared verdict of readers never differs from what the slow path says.
    if identity is None and score == 0:
        shared = policy.reader_verdict("s")
        if shared is not None:
            assert shared == policy.conclude(case, policy.select(case))
