"""The alert rules: accepted and tried by promtool, each with a text, a severity and a runbook that exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard_support import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "vorbehalt.rules.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
TESTS = (FOLDER / "vorbehalt.rules.test.yml").read_text("utf-8")
each_rule = pytest.mark.parametrize("rule", [pytest.param(rule, id=rule["alert"]) for rule in RULES])


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.real("promtool")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "vorbehalt.rules.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "vorbehalt.rules.test.yml"),
    ],
)
def test_promtool_is_content(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout + done.stderr


REFUSED, SURGE, LOST = "SearchEnginesRefused", "CrawlerSurge", "EvidenceLost"


@pytest.mark.real("promtool")
@pytest.mark.parametrize(
    ("alert", "key", "before", "after"),
    [
        (REFUSED, "expr", ', standing!="contradicted"', ""),
        (REFUSED, "expr", 'action!="allow"', 'action="block"'),
        (REFUSED, "expr", '"born", "yes"', '"instance", "a"'),
        (REFUSED, "expr", "< on (job, instance)", "<= on (job, instance)"),
        (SURGE, "expr", "[15m])) > 1\n", "[15m])) > 0.3\n"),
        (SURGE, "expr", "<= 5 *", "<= 0.5 *"),
        (SURGE, "expr", "count(up offset 1h)", "count(up)"),
        (SURGE, "expr", "/ on () group_left () count_over_time(count(up)[1d:15m] offset 15m)", ""),
        (LOST, "expr", 'reason!="late"', 'reason!="none"'),
        (LOST, "expr", "< on (job, instance)", "<= on (job, instance)"),
        (LOST, "expr", '"born", "yes"', '"instance", "a"'),
        ("EvidenceBroken", "expr", ">= 2", ">= 1"),
        ("EvidenceBroken", "for", "5m", "2m"),
        ("AnchorOld", "expr", "2 * 86400", "3 * 86400"),
        ("AnchorOld", "for", "1h", "10m"),
        ("RulesStale", "expr", "21 * 86400", "19 * 86400"),
        ("RulesStale", "expr", "21 * 86400", "22 * 86400"),
        ("Disarmed", "expr", "max_over_time(vorbehalt_disarmed[10m])", "vorbehalt_disarmed"),
        (
            "InternalErrors",
            "expr",
            "increase(vorbehalt_internal_errors_total[15m])",
            "vorbehalt_internal_errors_total",
        ),
        ("PausedLong", "expr", "== 1", "== 0"),
        ("PausedLong", "for", "12h", "13h"),
        ("PausedLong", "for", "12h", "4h"),
        ("Down", "for", "2m", "30s"),
        ("Down", "expr", ' or absent(up{job="vorbehalt"})', ""),
        ("Down", "expr", 'up{job="vorbehalt"} == 0', "up == 0"),
    ],
)
def test_a_changed_rule_does_not_pass_its_tests(
    tmp_path: Path, alert: str, key: str, before: str, after: str
) -> None:
    (rule,) = [rule for rule in RULES if rule["alert"] == f"Vorbehalt{alert}"]
    assert before in rule[key]
    changed = {**rule, key: rule[key].replace(before, after)}
    every = yaml.safe_load(TESTS)
    every["tests"] = [test for test in every["tests"] if rule["alert"] in str(test)]
    for test in every["tests"]:
        test["alert_rule_test"] = [
            case for case in test.get("alert_rule_test", ()) if case["alertname"] == rule["alert"]
        ]
    (tmp_path / "vorbehalt.rules.test.yml").write_text(yaml.safe_dump(every), "utf-8")

    def passes(tried: dict[str, Any]) -> bool:
        rules = {"groups": [{"name": "vorbehalt", "rules": [tried]}]}
        (tmp_path / "vorbehalt.rules.yml").write_text(yaml.safe_dump(rules), "utf-8")
        return promtool("test", "rules", tmp_path / "vorbehalt.rules.test.yml").returncode == 0

    assert (passes(rule), passes(changed)) == (True, False)


@each_rule
def test_a_rule_says_in_words_what_is_wrong_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning")
    annotations = rule["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert len(annotations["description"].split()) > 15
    path, _, anchor = annotations["runbook_url"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / path).read_text("utf-8"), re.M)
    assert anchor in [heading.lower().replace(" ", "-") for heading in headings]


def test_every_runbook_has_its_alert_and_every_alert_stands_in_the_table() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "runbooks.md").read_text("utf-8"), re.M)
    anchors = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in RULES}
    assert {heading.lower().replace(" ", "-") for heading in headings} == anchors
    table = dict(
        re.findall(r"^\| `(Vorbehalt\w+)` .*\| (\w+) \|$", (ROOT / "docs/dashboards.md").read_text(), re.M)
    )
    assert table == {rule["alert"]: rule["labels"]["severity"] for rule in RULES}


@each_rule
def test_a_rule_is_seen_ringing_and_silent(rule: dict[str, Any]) -> None:
    ringing = silent = False
    for test in yaml.safe_load(TESTS)["tests"]:
        for case in test.get("alert_rule_test", ()):
            if case["alertname"] == rule["alert"]:
                ringing |= bool(case.get("exp_alerts"))
                silent |= not case.get("exp_alerts")
        for case in test.get("promql_expr_test", ()):
            if rule["alert"] in case["expr"]:
                ringing |= bool(case.get("exp_samples"))
                silent |= not case.get("exp_samples")
    assert (ringing, silent) == (True, True)
