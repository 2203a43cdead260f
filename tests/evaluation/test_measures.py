"""The measures of the evaluations, against numbers worked out by hand; and that they skip loudly."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation_support import auc, bound, recall, sessions

HERE = Path(__file__).parent
HEADER = "datetime,method,url,status,referrer,session_id,user_agent,category\n"


@pytest.mark.parametrize(
    ("people", "bots", "expected"),
    [
        ([0, 0], [1, 2], 1.0),
        ([1, 2], [0, 0], 0.0),
        ([5, 5], [5, 5, 5], 0.5),
        ([0, 10], [10, 20], 0.875),
        ([0] * 171 + [9] * 20, [0] * 227, 171 / 191 / 2),
    ],
)
def test_auc_is_the_share_of_pairs_in_which_the_bot_has_more(
    people: list[int], bots: list[int], expected: float
) -> None:
    assert auc(people, bots) == pytest.approx(expected)


def test_recall_is_that_at_the_lowest_threshold_with_so_few_false_alarms() -> None:
    people = [0] * 98 + [20, 40]
    bots = [0, 20, 21, 50]
    assert recall(people, bots, 0.01) == (21, 0.5)
    assert recall(people, bots, 0.0) == (41, 0.25)
    assert recall(people, bots, 0.02) == (1, 0.75)


def test_bounds_are_the_rule_of_three_or_wilsons() -> None:
    assert bound(0, 191) == "0 of 191 (95 %: below 1.6%)"
    assert bound(0, 2) == "0 of 2 (95 %: below 100.0%)"
    assert bound(4, 191) == "4 of 191 = 2.1% (95 %: below 4.6%)"


def test_sessions_are_those_of_a_class_in_the_order_of_time_without_telemetry(tmp_path: Path) -> None:
    rows = (
        "2020-01-01 00:00:02,GET,/b,200,-,one,UA,humans\n2020-01-01 00:00:01,GET,/a,200,-,one,UA,humans\n"
        "2020-01-01 00:00:01,POST,/t,200,-,one,UA,humans\n2020-01-01 00:00:01,GET,/a,200,-,two,UA,bots\n"
    )
    file = tmp_path / "log.csv.gz"
    file.write_bytes(gzip.compress((HEADER + rows).encode()))
    assert [[row["url"] for row in found] for found in sessions(file, "humans")] == [["/a", "/b"]]


@pytest.mark.parametrize("script", ["sessions.py", "logs.py", "campaigns.py"])
def test_without_its_log_an_evaluation_says_that_it_did_not_run(script: str, tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / script), str(tmp_path / "nowhere.log")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (2, f"NOT EVALUATED: {tmp_path / 'nowhere.log'} is not there\n")


def test_a_log_is_read_with_addresses_that_findings_can_be_held_against(tmp_path: Path) -> None:
    agent = "Mozilla/5.0 (X11) AppleWebKit/534.34 (KHTML, like Gecko) PhantomJS/1.9.2 Safari/534.34"
    log = tmp_path / "access.log"
    log.write_text(f'10.0.0.7 - - [22/Dec/2016:15:19:05 +0300] "GET / HTTP/1.1" 200 20 "-" "{agent}"\n')
    command = [sys.executable, str(HERE / "logs.py"), str(log)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout.splitlines()[1:] == [
        "access.log: 1 requests, 0 lines not read, 1 clients",
        "  9.0.0.9 (1 requests): 45 points; limit at request 1",
        f"    {agent}",
        "    claim.headless: PhantomJS in the User-Agent",
    ]
