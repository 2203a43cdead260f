"""Asking never waits, never floods the resolver and never forgets the confirmed; set-up errors are told."""

from __future__ import annotations

import gc
import sys
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.asyncbackend
import dns.message
import dns.rcode
import dns.resolver
import pytest

from vorbehalt.errors import VorbehaltError
from vorbehalt.lookups.dns import ReverseDns
from vorbehalt.lookups.thread import LookupThread

if TYPE_CHECKING:
    from lookups.conftest import Asker, Clock, ScriptedDns

    Ask = Callable[..., Asker]

PTR = "1.66.249.66.in-addr.arpa. 3600 IN PTR crawl.googlebot.com."
FORWARD = "crawl.googlebot.com. 7200 IN A 66.249.66.1"
GOOGLE = "66.249.66.1"


class Takes(LookupThread):
    """Takes all that it is given and never runs it: stopped meanwhile, or left behind by a fork."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def submit(self, factory: Any) -> bool:
        self.taken += 1
        return True


def test_addresses_on_their_way_are_asked_once(scripted_dns: ScriptedDns, asker: Ask) -> None:
    scripted_dns.say(PTR, FORWARD)
    google = asker(scripted_dns.port)
    for _ in range(50):
        google.lookups.ask(GOOGLE)
    google.settle()
    for _ in range(50):
        google.lookups.ask(GOOGLE)
    google.settle()
    assert scripted_dns.questions == ["1.66.249.66.in-addr.arpa. ptr", "crawl.googlebot.com. a"]
    assert (google.lookups.asked, google.lookups.refused) == (1, 0)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "192.0.2.1", "::1", "fe80::1", "2001:db8::1", "::ffff:66.249.66.1", "",
     "no address", "66.249.66.1:443", "100.64.0.1"],
)  # fmt: skip
def test_only_global_addresses_are_asked(address: str, scripted_dns: ScriptedDns, asker: Ask) -> None:
    google = asker(scripted_dns.port)
    google.lookups.ask(address)
    google.settle()
    assert (google.lookups.asked, google.lookups.refused, scripted_dns.questions) == (0, 0, [])
    assert google.lookups.peek(address) is None


def test_ten_thousand_claimed_crawlers_a_minute_do_not_flood_the_resolver(clock: Clock) -> None:
    thread = Takes()
    lookups = ReverseDns(thread, nameservers=("127.0.0.1",), clock=clock, per_minute=600)
    addresses = [f"{20 + number % 50}.{number // 256}.{number % 256}.7" for number in range(10_000)]
    for address in addresses:
        lookups.ask(address)
    assert (thread.taken, lookups.asked, lookups.refused) == (600, 600, 9_400)
    clock.advance(60)
    lookups.ask(addresses[-1])
    assert thread.taken == 601, "a new minute has a budget of its own"


@pytest.mark.parametrize(
    "spell", ["20.1.2.{}", "2a02:1234:5678:{:x}::1"], ids=["one /24", "one /48 of many /64"]
)
def test_one_network_cannot_use_up_the_budget_of_all(spell: str, clock: Clock) -> None:
    lookups = ReverseDns(Takes(), nameservers=("127.0.0.1",), clock=clock, per_minute=80)
    for number in range(1, 201):
        lookups.ask(spell.format(number))
    assert (lookups.asked, lookups.refused) == (10, 190)
    lookups.ask(GOOGLE)
    assert lookups.asked == 11
    clock.advance(60)
    lookups.ask(spell.format(200))
    assert lookups.asked == 12, "a new minute has a budget of its own"


def test_a_flood_of_strangers_does_not_drive_out_those_confirmed(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    scripted_dns.say(PTR, FORWARD)
    google = asker(scripted_dns.port, capacity=8)
    google.ask(GOOGLE)
    for number in range(50):
        google.ask(f"20.{number}.2.3")
    assert google.lookups.peek(GOOGLE) is not None
    assert sum(google.lookups.peek(f"20.{number}.2.3") is not None for number in range(50)) <= 8


def test_a_thread_that_takes_no_more_is_counted_and_asked_again_later(clock: Clock) -> None:
    thread = LookupThread()
    lookups = ReverseDns(thread, nameservers=("127.0.0.1",), clock=clock)
    lookups.ask(GOOGLE)
    lookups.ask(GOOGLE)
    assert (lookups.asked, lookups.refused, thread.dropped) == (0, 2, 2)


def test_a_look_up_that_was_left_behind_is_asked_again_after_a_minute(clock: Clock) -> None:
    lookups = ReverseDns(Takes(), nameservers=("127.0.0.1",), clock=clock)
    lookups.ask(GOOGLE)
    clock.advance(59)
    lookups.ask(GOOGLE)
    assert lookups.asked == 1
    clock.advance(1)
    lookups.ask(GOOGLE)
    assert lookups.asked == 2


def test_an_ageing_answer_is_asked_again_before_it_is_over(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    scripted_dns.say(PTR, FORWARD)
    google = asker(scripted_dns.port)
    first = google.ask(GOOGLE)
    clock.advance(2700)
    google.lookups.ask(GOOGLE)
    google.settle()
    assert google.lookups.asked == 1, "three quarters of its time are not over yet"
    clock.advance(1)
    assert google.ask(GOOGLE).asked_at > first.asked_at


def test_an_answer_of_one_minute_is_asked_again_within_it_and_a_failure_is_not(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    google = asker(scripted_dns.port)
    scripted_dns.say(PTR.replace("3600", "60"), FORWARD)
    google.ask(GOOGLE)
    scripted_dns.say(rcode=dns.rcode.SERVFAIL)
    google.ask("66.249.66.2")
    clock.advance(50)
    google.lookups.ask("66.249.66.2")
    google.lookups.ask(GOOGLE)
    google.settle()
    assert google.lookups.asked == 3


def test_the_time_of_an_answer_counts_from_the_question(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    scripted_dns.say(PTR, FORWARD)
    speaks = scripted_dns.script

    def slow(question: dns.message.QueryMessage) -> dns.message.Message | None:
        clock.advance(10)
        return speaks(question)

    scripted_dns.script = slow
    asked_at = clock()
    google = asker(scripted_dns.port)
    answer = google.ask(GOOGLE)
    assert (answer.asked_at, answer.ttl_seconds) == (asked_at, 3600)
    clock.advance(3600 - 20 - 1)
    assert google.lookups.peek(GOOGLE) is answer
    clock.advance(1)
    assert google.lookups.peek(GOOGLE) is None


def test_a_resolver_in_trouble_takes_nothing_back_and_is_left_alone_for_a_minute(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    scripted_dns.say(PTR, FORWARD)
    google = asker(scripted_dns.port)
    first = google.ask(GOOGLE)
    scripted_dns.say(rcode=dns.rcode.SERVFAIL)
    clock.advance(3000)
    for _ in range(3):
        google.lookups.ask(GOOGLE)
        google.settle()
    assert google.lookups.answered["failed"] == 1
    assert google.lookups.peek(GOOGLE) is first
    clock.advance(600)
    assert google.lookups.peek(GOOGLE) is None, "nor does it make an answer hold longer"
    assert google.ask(GOOGLE).outcome == "failed"


def test_an_address_that_no_longer_closes_is_no_longer_held_as_closed(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    scripted_dns.say(PTR, FORWARD)
    google = asker(scripted_dns.port)
    google.ask(GOOGLE)
    scripted_dns.say(PTR, FORWARD.replace("66.1", "66.2"))
    clock.advance(2701)
    assert google.ask(GOOGLE).outcome == "open"
    scripted_dns.say(PTR, FORWARD)
    clock.advance(2701)
    assert google.ask(GOOGLE).outcome == "closed"


def test_a_stop_in_the_middle_of_a_look_up_leaves_nothing_open(
    scripted_dns: ScriptedDns, clock: Clock, recwarn: pytest.WarningsRecorder
) -> None:
    heard = threading.Event()
    scripted_dns.script = lambda question: heard.set()
    thread = LookupThread()
    thread.start()
    lookups = ReverseDns(thread, nameservers=("127.0.0.1",), port=scripted_dns.port, clock=clock)
    lookups.ask(GOOGLE)
    assert heard.wait(5)
    thread.stop(5)
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []
    assert (lookups.peek(GOOGLE), thread.failed) == (None, 0)


def test_the_backend_of_somebody_else_in_the_process_does_not_matter(
    scripted_dns: ScriptedDns, asker: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_dns.say(PTR, FORWARD)
    monkeypatch.setattr(dns.asyncbackend, "_default_backend", object())
    assert asker(scripted_dns.port).ask(GOOGLE).outcome == "closed"


def test_without_dnspython_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns.asyncresolver", None)
    with pytest.raises(VorbehaltError, match=r"pip install 'vorbehalt\[verify\]'"):
        ReverseDns(LookupThread())


def test_a_system_without_a_name_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*args: object) -> None:
        raise dns.resolver.NoResolverConfiguration("cannot open /etc/resolv.conf")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", none)
    with pytest.raises(VorbehaltError, match=r"no name server to ask: cannot open /etc/resolv\.conf"):
        ReverseDns(LookupThread())


def test_a_name_server_is_given_by_its_address() -> None:
    with pytest.raises(VorbehaltError, match=r"'dns\.example' cannot be asked"):
        ReverseDns(LookupThread(), nameservers=("dns.example",))


def test_the_search_list_of_the_system_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written = tmp_path / "resolv.conf"
    written.write_text("nameserver 127.0.0.1\nsearch corp.example\n")
    read = dns.resolver.BaseResolver.read_resolv_conf
    monkeypatch.setattr(
        dns.resolver.BaseResolver, "read_resolv_conf", lambda self, name: read(self, str(written))
    )
    lookups = ReverseDns(LookupThread())
    assert lookups._resolver.nameservers == ["127.0.0.1"]
    assert lookups._resolver.search == []


def test_the_page_names_every_operator_that_can_be_asked_by_reverse_dns() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "reverse-dns.md").read_text()
    names = set()
    for path in (root / "rules/vorbehalt_rules/operators").glob("*.toml"):
        document = tomllib.loads(path.read_text())
        if "'rdns'" in str(document):
            names.add(document["operator"]["name"])
    assert len(names) > 10
    assert {name for name in names if name not in page} == set()
