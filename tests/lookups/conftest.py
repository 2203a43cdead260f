"""A look-up thread, a clock moved by the test, a real DNS server with zones of ours, and a hostile one."""

from __future__ import annotations

import getpass
import queue
import selectors
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rrset
import pytest

from vorbehalt.identify.answers import DnsAnswer
from vorbehalt.lookups.dns import ReverseDns
from vorbehalt.lookups.thread import LookupThread

START = 1_795_000_000_000_000_000
Script = Callable[[dns.message.QueryMessage], dns.message.Message | None]

ZONES = """\
host-record=crawl-66-249-66-1.googlebot.com,66.249.66.1,7200
ptr-record=1.66.249.66.in-addr.arpa,Crawl-66-249-66-1.GoogleBot.com
ptr-record=2.66.249.66.in-addr.arpa,crawl-66-249-66-1.googlebot.com
ptr-record=3.66.249.66.in-addr.arpa,gone.googlebot.com
cname=alias.search.msn.com,second.search.msn.com,300
cname=second.search.msn.com,real.search.msn.com,900
host-record=real.search.msn.com,40.77.167.1,3600
ptr-record=1.167.77.40.in-addr.arpa,alias.search.msn.com
host-record=crawl6.applebot.apple.com,2620:149:1:2::3,1800
ptr-record=3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.9.4.1.0.0.2.6.2.ip6.arpa,crawl6.applebot.apple.com
ptr-record=4.66.249.66.in-addr.arpa,elsewhere.example.com
ptr-record=4.66.249.66.in-addr.arpa,gone.example.com
ptr-record=4.66.249.66.in-addr.arpa,back.example.com
host-record=elsewhere.example.com,203.0.113.9
host-record=back.example.com,66.249.66.4
host-record=back.example.com,203.0.113.8
ptr-record=5.66.249.66.in-addr.arpa,four.example.com
host-record=four.example.com,2001:4860:4801:10::5
ptr-record=6.66.249.66.in-addr.arpa,xn--bcher-kva.example.com
host-record=xn--bcher-kva.example.com,66.249.66.6,999999
""" + "\n".join(f"ptr-record=7.66.249.66.in-addr.arpa,host{number}.example.com" for number in range(1000))


class Clock:
    """Nanoseconds UTC, moved by the test alone."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def thread() -> Iterator[LookupThread]:
    lookups = LookupThread()
    lookups.start()
    yield lookups
    lookups.stop(5)
    assert lookups.failed == 0


def free_port() -> int:
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    for _ in range(50):
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port: int = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


@pytest.fixture(scope="session")
def dnsmasq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real DNS server on 127.0.0.1 that knows ZONES and nothing else."""
    program = shutil.which("dnsmasq")
    assert program is not None, "mark the test real('dnsmasq')"
    folder: Path = tmp_path_factory.mktemp("dnsmasq")
    port = free_port()
    settings = folder / "dnsmasq.conf"
    settings.write_text(
        "keep-in-foreground\nno-hosts\nno-resolv\nno-poll\nbind-interfaces\nlisten-address=127.0.0.1\n"
        f"port={port}\nlocal=/#/\nlocal-ttl=5400\nlog-facility=-\npid-file=\nuser={getpass.getuser()}\n{ZONES}\n"
    )
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen([program, f"--conf-file={settings}"], stdout=output, stderr=output)
    try:
        _await_answers(port, process, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait(5)


def _await_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    question = dns.message.make_query("back.example.com", "A")
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        try:
            dns.query.udp(question, "127.0.0.1", port=port, timeout=0.2)
            return
        except OSError:
            time.sleep(0.02)
        except dns.exception.Timeout:
            pass
        if process.poll() is not None:
            break
    pytest.fail(f"dnsmasq does not answer: {log.read_text()}")


class ScriptedDns:
    """A DNS server on 127.0.0.1 (UDP and TCP) that says what the test wants, however wrong; None: nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.script: Script = lambda question: None
        self.questions: list[str] = []
        self._udp = socket.socket(type=socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._tcp = socket.socket()
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._tcp.bind(("127.0.0.1", self.port))
        self._tcp.listen()
        self._bell, self._hears = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="scripted-dns", daemon=True)
        self._thread.start()

    def say(self, *records: str, rcode: int = 0, flags: int = 0) -> None:
        """Answer every question with those of the records (`name ttl IN type data`) that its name leads to.

        CNAMEs come along as they stand, so that a chain can end nowhere or bite its own tail.
        """
        sets = [_rrset(record) for record in records]

        def script(question: dns.message.QueryMessage) -> dns.message.Message:
            reply = dns.message.make_response(question)
            reply.set_rcode(dns.rcode.Rcode(rcode))
            reply.flags |= flags
            asked, wanted = question.question[0], {question.question[0].name}
            for _ in sets:
                wanted |= {rr[0].target for rr in sets if rr.name in wanted and rr.rdtype == _CNAME}
            for rr in sets:
                if rr.name in wanted and rr.rdtype in (_CNAME, asked.rdtype):
                    found = reply.find_rrset(reply.answer, rr.name, rr.rdclass, rr.rdtype, create=True)
                    found.add(rr[0], rr.ttl)
            if not reply.answer and not rcode:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            return reply

        self.script = script

    def close(self) -> None:
        self._bell.send(b"x")
        self._thread.join(5)
        for opened in (self._udp, self._tcp, self._bell, self._hears):
            opened.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for opened in (self._udp, self._tcp, self._hears):
                selector.register(opened, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._hears in ready:
                    return
                if self._udp in ready:
                    wire, peer = self._udp.recvfrom(65535)
                    if answer := self._answer(wire, 1232):
                        self._udp.sendto(answer, peer)
                if self._tcp in ready:
                    connection, _ = self._tcp.accept()
                    with connection:
                        size = int.from_bytes(connection.recv(2))
                        if answer := self._answer(connection.recv(size), 65535):
                            connection.sendall(len(answer).to_bytes(2) + answer)

    def _answer(self, wire: bytes, most: int) -> bytes | None:
        question = dns.message.from_wire(wire)
        assert isinstance(question, dns.message.QueryMessage)
        self.questions.append(f"{question.question[0].name} {question.question[0].rdtype.name}".lower())
        reply = self.script(question)
        if reply is None:
            return None
        try:
            return reply.to_wire(max_size=most)
        except dns.exception.TooBig:
            short = dns.message.make_response(question)
            short.flags |= dns.flags.TC
            return short.to_wire()


_CNAME = dns.rdatatype.CNAME


def _rrset(record: str) -> dns.rrset.RRset:
    name, ttl, rdclass, rdtype, data = record.split(" ", 4)
    return dns.rrset.from_text(name, int(ttl), rdclass, rdtype, data)


class Asker:
    """A ReverseDns of the test, whose answers are awaited without polling."""

    def __init__(self, lookups: ReverseDns, thread: LookupThread) -> None:
        self.lookups = lookups
        self._thread = thread
        self.answers: queue.Queue[tuple[str, DnsAnswer]] = queue.Queue()
        lookups.on_answer = lambda address, answer: self.answers.put((address, answer))

    def settle(self) -> None:
        """Wait until the thread, which does one thing at a time, has done all that was asked."""
        done = threading.Event()

        async def last() -> None:
            done.set()

        assert self._thread.submit(last)
        assert done.wait(10)

    def ask(self, address: str) -> DnsAnswer:
        self.lookups.ask(address)
        told, answer = self.answers.get(timeout=10)
        assert told == address
        assert self.lookups.peek(address) is answer
        return answer


@pytest.fixture
def asker(clock: Clock) -> Iterator[Callable[..., Asker]]:
    """Makes askers of the server at a port of 127.0.0.1, with a thread of their own."""
    threads = []

    def make(port: int, **options: float) -> Asker:
        thread = LookupThread(concurrency=1)
        thread.start()
        threads.append(thread)
        lookups = ReverseDns(
            thread,
            nameservers=("127.0.0.1",),
            port=port,
            clock=clock,
            deadline_seconds=options.pop("deadline_seconds", 5.0),
            **options,  # type: ignore[arg-type]
        )
        return Asker(lookups, thread)

    yield make
    for thread in threads:
        thread.stop(5)
        assert thread.failed == 0


@pytest.fixture
def scripted_dns() -> Iterator[ScriptedDns]:
    server = ScriptedDns()
    yield server
    server.close()
