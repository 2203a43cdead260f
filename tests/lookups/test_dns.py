"""Forward-confirmed reverse DNS: what closes, what does not, and what says nothing, against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vorbehalt.identify.answers import DnsAnswer
from vorbehalt.lookups.dns import _host_name

if TYPE_CHECKING:
    from lookups.conftest import Asker, Clock, ScriptedDns

    Ask = Callable[..., Asker]

DAY, HOUR = 86_400, 3_600
PTR = "1.66.249.66.in-addr.arpa. 3600 IN PTR crawl.googlebot.com."
FORWARD = "crawl.googlebot.com. 7200 IN A 66.249.66.1"
GOOGLE = "66.249.66.1"


CASES = {
    "a name that leads back closes, in lower case": (
        GOOGLE, "closed", ("crawl-66-249-66-1.googlebot.com",), 5400,
    ),
    "a forged pointer names a real host that does not lead back": ("66.249.66.2", "open", (), HOUR),
    "a pointer to a name that does not exist": ("66.249.66.3", "open", (), 300),
    "no pointer": ("66.249.66.99", "absent", (), 300),
    "a chain of CNAMEs is followed, the smallest time counts": (
        "40.77.167.1", "closed", ("alias.search.msn.com",), 300,
    ),
    "IPv6": ("2620:149:1:2::3", "closed", ("crawl6.applebot.apple.com",), 1800),
    "one of several names leads back": ("66.249.66.4", "closed", ("back.example.com",), 5400),
    "an IPv4 pointer whose name has only IPv6": ("66.249.66.5", "open", (), 300),
    "an internationalised name stays as it is": (
        "66.249.66.6", "closed", ("xn--bcher-kva.example.com",), 5400,
    ),
    "1,000 names, none of those looked at leads back": ("66.249.66.7", "failed", (), 60),
}  # fmt: skip


@pytest.mark.real("dnsmasq")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_real_server_tells(
    case: tuple[str, str, tuple[str, ...], int], dnsmasq: int, asker: Ask, clock: Clock
) -> None:
    address, outcome, names, ttl = case
    answer = asker(dnsmasq).ask(address)
    assert answer == DnsAnswer(outcome, names, clock(), ttl)  # type: ignore[arg-type]


@pytest.mark.real("dnsmasq")
def test_the_first_sight_knows_nothing_and_the_answer_serves_the_next(dnsmasq: int, asker: Ask) -> None:
    google = asker(dnsmasq)
    assert google.lookups.peek(GOOGLE) is None
    google.lookups.ask(GOOGLE)
    _, answer = google.answers.get(timeout=10)
    assert google.lookups.peek(GOOGLE) == answer
    assert answer.closes_under((".googlebot.com",)) == "crawl-66-249-66-1.googlebot.com"
    assert google.lookups.answered == {"closed": 1, "open": 0, "absent": 0, "failed": 0}


@pytest.mark.real("dnsmasq")
def test_an_answer_is_over_when_its_time_is(dnsmasq: int, asker: Ask, clock: Clock) -> None:
    google = asker(dnsmasq)
    google.ask(GOOGLE)
    clock.advance(5400 - 1)
    assert google.lookups.peek(GOOGLE) is not None
    clock.advance(1)
    assert google.lookups.peek(GOOGLE) is None
    assert google.ask(GOOGLE).asked_at == clock()


def test_a_silent_resolver_says_nothing_once_the_deadline_is_over(
    scripted_dns: ScriptedDns, asker: Ask
) -> None:
    google = asker(scripted_dns.port, deadline_seconds=0.2)
    answer = google.ask(GOOGLE)
    assert (answer.outcome, answer.names, answer.ttl_seconds) == ("failed", (), 60)


def test_the_deadline_holds_whatever_the_library_does(
    scripted_dns: ScriptedDns, asker: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*args: object, **options: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(dns.asyncresolver.Resolver, "resolve", hang)
    assert asker(scripted_dns.port, deadline_seconds=0.1).ask(GOOGLE).outcome == "failed"


def test_a_name_that_leads_back_counts_though_another_stays_silent(
    scripted_dns: ScriptedDns, asker: Ask
) -> None:
    scripted_dns.say(PTR, PTR.replace("crawl.googlebot", "a.silent"), FORWARD)
    speaks = scripted_dns.script
    scripted_dns.script = lambda question: None if "silent" in str(question.question) else speaks(question)
    answer = asker(scripted_dns.port, deadline_seconds=0.3).ask(GOOGLE)
    assert (answer.outcome, answer.names) == ("closed", ("crawl.googlebot.com",))


def test_silence_about_one_name_is_no_negative(scripted_dns: ScriptedDns, asker: Ask) -> None:
    scripted_dns.say(PTR, PTR.replace("crawl.googlebot", "a.silent"), FORWARD.replace("66.1", "66.2"))
    speaks = scripted_dns.script
    scripted_dns.script = lambda question: None if "silent" in str(question.question) else speaks(question)
    assert asker(scripted_dns.port, deadline_seconds=0.3).ask(GOOGLE).outcome == "failed"


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR])
def test_a_server_failure_says_nothing(scripted_dns: ScriptedDns, asker: Ask, rcode: int) -> None:
    scripted_dns.say(rcode=rcode)
    assert asker(scripted_dns.port).ask(GOOGLE).outcome == "failed"


def test_a_failure_of_the_way_back_says_nothing(scripted_dns: ScriptedDns, asker: Ask) -> None:
    scripted_dns.say(PTR)
    pointer = scripted_dns.script

    def script(question: dns.message.QueryMessage) -> dns.message.Message | None:
        if question.question[0].rdtype == dns.rdatatype.PTR:
            return pointer(question)
        reply = dns.message.make_response(question)
        reply.set_rcode(dns.rcode.SERVFAIL)
        return reply

    scripted_dns.script = script
    assert asker(scripted_dns.port).ask(GOOGLE).outcome == "failed"


@pytest.mark.parametrize(
    "loop",
    [
        ("crawl.googlebot.com. 60 IN CNAME crawl.googlebot.com.",),
        (
            "crawl.googlebot.com. 60 IN CNAME b.googlebot.com.",
            "b.googlebot.com. 60 IN CNAME crawl.googlebot.com.",
        ),
    ],
    ids=["itself", "in a circle"],
)
def test_a_chain_that_bites_its_tail_ends_and_says_nothing(
    loop: tuple[str, ...], scripted_dns: ScriptedDns, asker: Ask
) -> None:
    scripted_dns.say(PTR, *loop)
    assert asker(scripted_dns.port).ask(GOOGLE).outcome == "failed"


def test_a_chain_of_forty_aliases_is_not_followed_to_its_end(scripted_dns: ScriptedDns, asker: Ask) -> None:
    links = ["crawl.googlebot.com.", *(f"link{number}.googlebot.com." for number in range(40))]
    chain = [f"{name} 60 IN CNAME {to}" for name, to in pairwise(links)]
    scripted_dns.say(PTR, *chain, f"{links[-1]} 60 IN A {GOOGLE}")
    assert asker(scripted_dns.port).ask(GOOGLE).outcome == "failed"


def test_a_delegated_reverse_zone_is_followed(scripted_dns: ScriptedDns, asker: Ask) -> None:
    """RFC 2317: the name of the address is an alias into a zone of the operator's own."""
    scripted_dns.say(
        "1.66.249.66.in-addr.arpa. 60 IN CNAME 1.0-63.66.249.66.in-addr.arpa.",
        "1.0-63.66.249.66.in-addr.arpa. 3600 IN PTR crawl.googlebot.com.",
        FORWARD,
    )
    assert asker(scripted_dns.port).ask(GOOGLE).names == ("crawl.googlebot.com",)


def test_garbage_instead_of_an_answer_says_nothing(scripted_dns: ScriptedDns, asker: Ask) -> None:
    class Garbage(dns.message.QueryMessage):
        def to_wire(self, *args: object, **options: object) -> bytes:
            return self.id.to_bytes(2) + b"\xff" * 30

    scripted_dns.script = lambda question: Garbage(question.id)
    assert asker(scripted_dns.port, deadline_seconds=0.3).ask(GOOGLE).outcome == "failed"


def test_nobody_listens_at_the_resolver(asker: Ask) -> None:
    assert asker(1, deadline_seconds=0.5).ask(GOOGLE).outcome == "failed"


@pytest.mark.parametrize(
    ("pointer", "forward", "expected"), [(0, 0, 60), (5, 9999, 60), (7200, 3601, 3601), (9**8, 9**7, DAY)]
)
def test_the_smallest_time_counts_within_a_minute_and_a_day(
    pointer: int, forward: int, expected: int, scripted_dns: ScriptedDns, asker: Ask
) -> None:
    scripted_dns.say(PTR.replace("3600", str(pointer)), FORWARD.replace("7200", str(forward)))
    assert asker(scripted_dns.port).ask(GOOGLE).ttl_seconds == expected


def test_a_negative_is_kept_for_an_hour_at_most(scripted_dns: ScriptedDns, asker: Ask) -> None:
    scripted_dns.say(PTR.replace("3600", "99999"), FORWARD.replace("66.1", "66.2").replace("7200", "99999"))
    answer = asker(scripted_dns.port).ask(GOOGLE)
    assert (answer.outcome, answer.ttl_seconds) == ("open", HOUR)


def test_the_vouching_of_the_resolver_is_noted_and_asked_for(scripted_dns: ScriptedDns, asker: Ask) -> None:
    scripted_dns.say(PTR, FORWARD, flags=dns.flags.AD)
    speaks, wanted = scripted_dns.script, []

    def script(question: dns.message.QueryMessage) -> dns.message.Message | None:
        wanted.append(bool(question.flags & dns.flags.AD))
        return speaks(question)

    scripted_dns.script = script
    assert asker(scripted_dns.port).ask(GOOGLE).authenticated
    assert wanted == [True, True]


def test_one_answer_without_vouching_is_enough_to_lose_it(scripted_dns: ScriptedDns, asker: Ask) -> None:
    scripted_dns.say(PTR, FORWARD, flags=dns.flags.AD)
    speaks = scripted_dns.script

    def script(question: dns.message.QueryMessage) -> dns.message.Message | None:
        reply = speaks(question)
        assert reply is not None
        if question.question[0].rdtype == dns.rdatatype.A:
            reply.flags &= ~dns.flags.AD
        return reply

    scripted_dns.script = script
    answer = asker(scripted_dns.port).ask(GOOGLE)
    assert (answer.outcome, answer.authenticated) == ("closed", False)


def test_no_more_than_eight_names_are_looked_up(scripted_dns: ScriptedDns, asker: Ask) -> None:
    pointers = [PTR.replace("crawl", f"crawl{number:02}") for number in range(9)]
    closing = [FORWARD.replace("crawl", f"crawl{number:02}") for number in range(9)]
    google = asker(scripted_dns.port)
    scripted_dns.say(*reversed(pointers), *closing)
    # The first eight of their order, not of the resolver's, which changes from one answer to the next.
    assert google.ask(GOOGLE).names == tuple(f"crawl{number:02}.googlebot.com" for number in range(8))
    assert sum(question.endswith(" a") for question in scripted_dns.questions) == 8


def test_eight_names_that_do_not_lead_back_are_a_negative_and_nine_say_nothing(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    pointers = [PTR.replace("crawl", f"crawl{number:02}") for number in range(9)]
    google = asker(scripted_dns.port)
    scripted_dns.say(*pointers[:8])
    assert google.ask(GOOGLE).outcome == "open"
    clock.advance(DAY)
    scripted_dns.say(*pointers)
    assert google.ask(GOOGLE).outcome == "failed"


def test_more_records_than_are_read_say_nothing_even_if_those_read_name_no_host(
    scripted_dns: ScriptedDns, asker: Ask, clock: Clock
) -> None:
    pointers = [PTR.replace("crawl", f"no_host_{number}") for number in range(65)]
    google = asker(scripted_dns.port)
    scripted_dns.say(*pointers[:64])
    assert google.ask(GOOGLE).outcome == "open"
    clock.advance(DAY)
    scripted_dns.say(*pointers)
    assert google.ask(GOOGLE).outcome == "failed"


@pytest.mark.parametrize(
    "name",
    [
        "googlebot.com\\000.evil.example", "a_b.googlebot.com", "*.googlebot.com", "google\\.bot.com",
        "localhost", "66.249.66.1", "-a.googlebot.com", "a-.googlebot.com", "crawl\\032x.googlebot.com",
        "\\195\\164.example",
    ],
)  # fmt: skip
def test_what_cannot_be_the_name_of_a_host_is_never_looked_up(
    name: str, scripted_dns: ScriptedDns, asker: Ask
) -> None:
    scripted_dns.say(f"1.66.249.66.in-addr.arpa. 60 IN PTR {name}.", f"{name}. 60 IN A {GOOGLE}")
    answer = asker(scripted_dns.port).ask(GOOGLE)
    assert (answer.outcome, answer.names) == ("open", ())
    assert scripted_dns.questions == ["1.66.249.66.in-addr.arpa. ptr"]


@given(st.text(max_size=300))
def test_a_host_name_is_lower_case_and_plain(record: str) -> None:
    name = _host_name(record)
    assert name == "" or (len(name) <= 253 and name.isascii() and name == name.lower() and "." in name)
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-.")
