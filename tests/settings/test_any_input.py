"""Whatever stands in a configuration: it is used, or every problem has a place. Nothing else happens."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from vorbehalt.errors import ConfigError
from vorbehalt.settings import Settings, describe, load
from vorbehalt.settings.load import load_rules
from vorbehalt.settings.problems import PROBLEMS

RULES = load_rules(None)
NOW = datetime(2026, 11, 23, tzinfo=UTC)

odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.just(date(2027, 1, 1)),
    st.lists(st.one_of(st.text(max_size=6), st.integers()), max_size=3),
    st.dictionaries(st.text(max_size=6), st.integers(), max_size=2),
    st.sampled_from(
        ["https://label.example", "https://[::1", "/a*b$", "*", "10.0.0.0/8", "mailto:a@b.c", "file:x", "~/x",
         "~nobody/x", "observe", "reserve-all", "30/min", "250ms", "1d", "127.0.0.1:80", "unix:/x", "off",
         "\x00", "\ud800"]
    ),
)  # fmt: skip


def table(names: str, **below: Any) -> st.SearchStrategy[Any]:
    keys = dict.fromkeys(names.split(), odd) | {
        name: st.one_of(values, odd) for name, values in below.items()
    }
    return st.fixed_dictionaries({}, optional={**keys, "unknown": odd})


MATCH = table(
    "token operator purpose standing basis control legal_deposit path section finding score address host"
)
RULE = table("name action limit mode until reason", match=MATCH)
SECTION = table("name paths search training ai_input tdm")
SITE = table("origin hosts operator contact languages robots")
RESERVATION = table(
    "search training capacity on_behalf_of rightsholder policy_url licence_contact may_license",
    section=st.lists(SECTION, max_size=2),
    paths=table("rsl page tdm_policy"),
)
POLICY = table("preset mode open_paths may_refuse_search_engines", rule=st.lists(RULE, max_size=2))
HOST = table(
    "names upstream", site=SITE, reservation=RESERVATION, policy=POLICY, works=table("catalogue patterns")
)
ANCHOR = table("rfc3161 witness copy name root qualified policy vkey form to from every")
CONFIG = table(
    "",
    format=st.just(1),
    site=SITE,
    reservation=RESERVATION,
    policy=POLICY,
    host=st.lists(HOST, max_size=2),
    network=table(
        "trusted_proxies client_header refresh dns signatures ranges_hit_max_age ranges_miss_max_age"
    ),
    state=table("redis directory cluster prefix secret strict"),
    evidence=table("directory origin reply_deadline redact query_keys", record=table("feed"),
                   retention=table("person"), anchors=st.lists(ANCHOR, max_size=3)),
    patterns=table("mode", thresholds=table("limit")),
    metrics=table("listen"),
    log=table("format level"),
    sidecar=table("upstream upstream_timeout listen metrics_listen secret"),
    works=table("catalogue patterns"),
    rules=table("path"),
)  # fmt: skip


@given(
    CONFIG, st.dictionaries(st.sampled_from(["VORBEHALT_POLICY__MODE", "VORBEHALT_SITE__ORIGIN"]), st.text())
)
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_configuration_is_used_or_every_problem_has_a_place(config: Any, environ: dict[str, str]) -> None:
    try:
        settings = load({"format": 1, **config}, environ=environ, rules=lambda path: RULES, now=NOW)
    except ConfigError as error:
        problems = error.problems
        refused = True
    else:
        refused = False
        assert isinstance(settings, Settings)
        assert describe(settings)
        problems = list(settings.warnings)
    assert problems or not refused
    for problem in problems:
        assert problem.id.startswith("V0") is refused
        assert problem.id in PROBLEMS
        assert re.fullmatch(r"[^\r\n]+:0: V\d{3} [^\r\n]+", str(problem))
