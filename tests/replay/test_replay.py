"""A replay adds up what a judge says about every line, and invents nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vorbehalt.facts import Action, Finding, Purpose, Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.replay import LogError, Progress, replay
from vorbehalt.replay.sources import Source

Line = Callable[..., str]
Make = Callable[..., Verdict]
Log = Callable[..., str]
Judges = Callable[[dict[bytes, Verdict]], Callable[[Visit], Verdict]]


def _seen(paths: list[str], **options: object) -> list[Visit]:
    visits: list[Visit] = []

    def judge(visit: Visit) -> Verdict:
        visits.append(visit)
        return Verdict(Action.ALLOW, Action.ALLOW, True, "a-rule", ())

    replay(paths, judge, **options)  # type: ignore[arg-type]
    return visits


def test_the_json_is_the_contract(line: Line, verdict: Make, by_agent: Judges, log: Log) -> None:
    path = log(
        line("GPTBot/1.2", size=10, time="22/Nov/2026:11:00:00 +0000"),
        line("GPTBot/1.2", size=20, address="203.0.113.8"),
        line("Feeder", size=5, address="203.0.113.9"),
        line("curl/8", size=7, address="203.0.113.9"),
        line("Mozilla/5.0", size=1, time="22/Nov/2026:09:00:00 +0000"),
        "nonsense",
        "",
    )
    slow = Finding("no-accept", 10, "absent", "present")
    judge = by_agent(
        {
            b"GPTBot": verdict(Action.BLOCK, "GPTBot"),
            b"Feeder": verdict(Action.LIMIT, "Feeder", Purpose.FEED, findings=(slow,)),
            b"curl": verdict(Action.ALLOW, "curl", Purpose.TOOL, is_tool=True),
        }
    )
    nothing = {"allow": 0, "limit": 0, "challenge": 0, "block": 0}

    result = replay([path], judge).as_json()

    assert json.loads(json.dumps(result)) == {
        "lines": 7,
        "skipped": 2,
        "requests": 5,
        "actions": {"allow": 2, "limit": 1, "challenge": 0, "block": 2},
        "crawlers": [
            {
                "token": "GPTBot",
                "operator": "GPTBot Ltd",
                "purpose": "training",
                "requests": 2,
                "bytes": 30,
                "disallowed": 0,
                "actions": nothing | {"block": 2},
            },
            {
                "token": "Feeder",
                "operator": "Feeder Ltd",
                "purpose": "feed",
                "requests": 1,
                "bytes": 5,
                "disallowed": 0,
                "actions": nothing | {"limit": 1},
            },
            {
                "token": "curl",
                "operator": None,
                "purpose": "tool",
                "requests": 1,
                "bytes": 7,
                "disallowed": 0,
                "actions": nothing | {"allow": 1},
            },
        ],
        "findings": {"no-accept": 1},
        "clients": {"total": 3, "limited": 1, "challenged": 0, "blocked": 2},
        "first": "2026-11-22T09:00:00Z",
        "last": "2026-11-22T11:00:00Z",
    }


def test_an_empty_log_is_a_result(log: Log) -> None:
    result = replay([log()], lambda visit: pytest.fail("nothing to judge"))

    assert result.as_json()["first"] is None
    assert (result.lines, result.requests, result.clients["total"]) == (0, 0, 0)
    assert result.summary() == ["0 lines, no request found"]


def test_the_judge_sees_what_the_log_holds_and_nothing_else(line: Line, log: Log) -> None:
    path = log(
        '203.0.113.7 - - [22/Nov/2026:10:05:03 +0000] "GET //a/%2e%2e/b%20c/?q=1 HTTP/1.1" 200 9 '
        '"https://a.example/" "Bot/1"',
        line("-"),
    )
    first, second = _seen([path])

    assert first.path == "/b c/"
    assert first.target == b"//a/%2e%2e/b%20c/?q=1"
    assert first.headers == ((b"user-agent", b"Bot/1"), (b"referer", b"https://a.example/"))
    assert (first.vantage, first.host, first.http_version) == ("log", "", "1.1")
    assert first.received_at == 1795341903 * 1_000_000_000
    assert (first.client.text, first.client.source) == ("203.0.113.7", "direct")
    assert second.headers == ()


@pytest.mark.parametrize(
    ("address", "text", "source", "usable"),
    [
        ("8.8.8.8", "8.8.8.8", "direct", True),
        ("192.168.1.4", "192.168.1.4", "direct", False),
        ("127.0.0.1", "127.0.0.1", "direct", False),
        ("2001:4860:0::8888", "2001:4860::8888", "direct", True),
        ("::ffff:8.8.8.8", "8.8.8.8", "direct", True),
        ("crawl-66-249-66-1.googlebot.com", None, "none", False),
    ],
)
def test_addresses_are_as_usable_as_they_are_public(
    line: Line, log: Log, address: str, text: str | None, source: str, usable: bool
) -> None:
    (visit,) = _seen([log(line(address=address))])

    assert (visit.client.text, visit.client.source, visit.client.is_usable) == (text, source, usable)


@pytest.mark.parametrize(
    ("forwarded", "text", "source"),
    [
        ("198.51.100.9, 8.8.4.4", "8.8.4.4", "proxy-asserted"),
        ("8.8.4.4, 10.1.1.1", "8.8.4.4", "proxy-asserted"),
        ("8.8.4.4, 10.1.1.1, 10.9.9.9", "8.8.4.4", "proxy-asserted"),
        ("-", "10.0.0.2", "direct"),
        ("10.3.3.3", "10.3.3.3", "proxy-asserted"),
    ],
)
def test_behind_a_trusted_proxy_the_forwarded_address_counts(
    line: Line, log: Log, forwarded: str, text: str, source: str
) -> None:
    path = log(line(address="10.0.0.2", rest=f' "{forwarded}"'))
    (trusting,) = _seen([path], trusted_proxies=("10.0.0.0/8",))
    (doubting,) = _seen([path])

    assert (trusting.client.text, trusting.client.source) == (text, source)
    assert (doubting.client.text, doubting.client.source) == ("10.0.0.2", "direct")


def test_a_public_proxy_that_names_nobody_is_not_its_visitors(line: Line, log: Log) -> None:
    (visit,) = _seen([log(line(address="8.8.8.8"))], trusted_proxies=("8.8.8.0/24",))

    assert (visit.client.text, visit.client.source, visit.client.is_usable) == (None, "untrusted", False)


def test_small_steps_back_in_time_do_not_reach_the_judge(line: Line, log: Log) -> None:
    minutes = (10, 30, 25, 31, 12, 20)
    path = log(*[line(time=f"22/Nov/2026:10:{minute}:00 +0000") for minute in minutes])
    start = _seen([path])[0].received_at
    result = replay([path], lambda visit: Verdict(Action.ALLOW, Action.ALLOW, True, "a-rule", ()))

    assert [(visit.received_at - start) // 60_000_000_000 + 10 for visit in _seen([path])] == [
        10,
        30,
        30,
        31,
        12,
        20,
    ]
    assert (result.first, result.last) == (start, start + 21 * 60_000_000_000)


def test_an_absolute_target_never_picks_the_path_of_another_host(line: Line, log: Log) -> None:
    path = log(
        line(path="http://evil.example/lyrics/1?x"),
        line(path="/?to=http://evil.example/b"),
    )

    assert [visit.path for visit in _seen([path])] == ["/lyrics/1", "/"]


def test_several_files_are_merged_by_time(line: Line, log: Log) -> None:
    def hours(*hours: int) -> list[str]:
        return [line(time=f"22/Nov/2026:{hour:02d}:00:00 +0000") for hour in hours]

    paths = [
        log(*hours(20, 21, 22), name="access.log"),
        log("garbage", *hours(7, 8, 9), name="access.log.1"),
        log(*hours(0, 1, 8, 10, 21, 23), name="other-server.log"),
        log(name="empty.log"),
    ]
    times = [visit.received_at for visit in _seen([*paths, paths[0]])]

    assert times == sorted(times)
    assert len(times) == 12


def test_rotated_files_are_not_open_together(line: Line, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [
        log(*[line(time=f"{day}/Nov/2026:01:00:00 +0000")] * 3, name=f"access.log.{day}")
        for day in range(10, 30)
    ]
    is_open: list[str] = []
    most = 0
    lines = Source.lines

    def watched(source: Source) -> Iterator[bytes]:
        nonlocal most
        is_open.append(source.name)
        most = max(most, len(is_open))
        try:
            yield from lines(source)
        finally:
            is_open.remove(source.name)

    monkeypatch.setattr(Source, "lines", watched)

    assert len(_seen(paths)) == 60
    assert most <= 2


def test_bad_lines_are_shown_with_their_place_but_without_addresses(line: Line, log: Log) -> None:
    aborted = '203.0.113.7 - - [22/Nov/2026:10:05:03 +0000] "-" 408 0 "-" "-"'
    path = log(
        line(),
        *[aborted] * 40,
        "",
        "2001:db8::7 odd line \x07 from 203.0.113.8 2001:db8:1:2:3:4:5:6",
        name="site.log",
    )
    result = replay([path], lambda visit: Verdict(Action.ALLOW, Action.ALLOW, True, "a-rule", ()))

    places = [(bad.file, bad.line) for bad in result.bad_lines]
    assert places == [("site.log", number) for number in (2, 3, 4, 5, 6, 43)]
    assert (result.skipped, sum(result.bad_reasons.values())) == (42, 42)
    shown = " ".join(bad.excerpt for bad in result.bad_lines)
    assert "203.0.113" not in shown
    assert "2001:db8" not in shown
    assert "\x07" not in shown
    assert "odd line" in shown
    assert "[22/Nov/2026:10:05:03 +0000]" in shown


def test_people_who_would_be_hit_are_counted_and_sampled(
    line: Line, verdict: Make, by_agent: Judges, log: Log
) -> None:
    lines = [line("Mozilla/5.0 Fast", address=f"203.0.113.{host}", path="/a") for host in (1, 2, 2)]
    judge = by_agent({b"Fast": verdict(Action.LIMIT), b"GPTBot": verdict(Action.BLOCK, "GPTBot")})
    result = replay([log(*lines, line("Mozilla/5.0 Slow"), line("GPTBot"))], judge)

    assert (result.people_requests, result.people_refused, result.people_refused_clients) == (4, 3, 2)
    assert [sample.path for sample in result.people_samples] == ["/a"] * 3
    assert "203.0.113" not in repr(result.people_samples)
    assert result.refused_paths == (("/a", 3), ("/", 1))


def test_samples_are_few_however_many_are_hit(line: Line, verdict: Make, by_agent: Judges, log: Log) -> None:
    result = replay([log(*[line("Fast")] * 60)], by_agent({b"Fast": verdict(Action.BLOCK)}))

    assert result.people_refused == 60
    assert len(result.people_samples) == 20


def test_a_rule_that_only_observes_is_told_apart(
    line: Line, verdict: Make, by_agent: Judges, log: Log
) -> None:
    observed = verdict(Action.ALLOW, "Shady", Purpose.UNDOCUMENTED, would=Action.BLOCK)
    result = replay([log(line("Shady"), line("Shady"))], by_agent({b"Shady": observed}))

    assert result.actions[Action.ALLOW] == 2
    assert [(row.token, row.would_only, row.refused) for row in result.crawlers] == [("Shady", 2, 0)]


def test_a_damaged_file_is_a_warning_and_a_missing_one_an_error(line: Line, log: Log, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "old.log.gz"
    path.write_bytes(gzip.compress(f"{line()}\n".encode() * 3)[:-6])
    result = replay([str(path)], lambda visit: Verdict(Action.ALLOW, Action.ALLOW, True, "a-rule", ()))

    assert result.requests == 3
    assert result.warnings[0].startswith("old.log.gz: ")
    with pytest.raises(LogError, match=r"missing\.log"):
        replay([str(tmp_path / "missing.log")], lambda visit: pytest.fail("no line"))


def test_progress_is_told_but_not_on_every_line(line: Line, log: Log) -> None:
    calls: list[tuple[str, int, int, int | None]] = []
    path = log(*[line()] * 45_000)
    allowed = Verdict(Action.ALLOW, Action.ALLOW, True, "a-rule", ())
    replay([path], lambda visit: allowed, progress=lambda *told: calls.append(told))

    size = Path(path).stat().st_size
    assert [lines for _, lines, _, _ in calls] == [20_000, 40_000, 45_000]
    assert calls[-1] == ("access.log", 45_000, size, size)
    stream = io.StringIO()
    progress = Progress(stream)
    for call in calls:
        progress(*call)
    assert stream.getvalue() == "reading access.log\n"


def test_the_summary_tells_the_main_things(line: Line, verdict: Make, by_agent: Judges, log: Log) -> None:
    result = replay(
        [log(line("GPTBot"), line("Mozilla"), "odd\x1b[31m")],
        by_agent({b"GPTBot": verdict(Action.BLOCK, "GPTBot")}),
    )
    text = "\n".join(result.summary())

    assert "2 requests by 1 client," in text
    assert "GPTBot" in text
    assert "1 of 3 lines holds no request" in text
    assert "\x1b" not in text
