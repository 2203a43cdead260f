"""`vorbehalt serve` on real sockets: in front of a site, and beside one."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import ipaddress
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from process_support import CHROME, GOOGLEBOT, GPTBOT, ask, end, vorbehalt, wait_for

Ports = Callable[[int], list[int]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "vorbehalt.toml"
    done = vorbehalt("init", "--for", "envoy", "--yes", "--origin", "https://label.example", "-c", path)
    assert done.returncode == 0, done.stderr
    # As a reverse proxy, the sidecar asks the site itself for its rules.
    path.write_text(path.read_text().replace('robots = "none"', 'robots = "app"'))
    return path


def test_in_front_of_a_site(
    config: Path, upstream: tuple[int, list[str]], sidecar: Any, ports: Ports
) -> None:
    site, seen = upstream
    (port,) = ports(1)
    with sidecar(config, port, "--upstream", f"http://127.0.0.1:{site}") as process:
        person = ask(port, "/a%2Fb//c?q=1", CHROME)
        posted = ask(port, "/form", CHROME, method="POST", body=b"abc")
        crawler = ask(port, "/lyrics/1", GPTBOT)
        head = ask(port, "/page", CHROME, method="HEAD")

        def robots() -> bytes:
            return ask(port, "/robots.txt", GPTBOT).body

        wait_for(lambda: b"Disallow: /intern/" in robots(), "the site's own rules never came in", 8)
        told = robots()
        end(process)

    assert process.returncode == 0
    assert (person.status, person.body) == (200, b"a page")
    assert person.headers["tdm-reservation"] == "1"
    assert (posted.status, posted.body) == (201, b"cba")
    assert crawler.status == 403
    assert crawler.headers["tdm-reservation"] == "1"
    assert (head.status, head.body) == (200, b"")
    assert b"User-agent: GPTBot" in told
    assert "GET /a%2Fb//c?q=1 HTTP/1.1" in seen, "the raw path was not kept"
    assert not [line for line in seen if "/lyrics/" in line], "the refused request reached the site"


def test_a_dead_site_is_a_502_and_no_refusal(config: Path, sidecar: Any, ports: Ports) -> None:
    port, nobody = ports(2)
    with sidecar(config, port, "--upstream", f"http://127.0.0.1:{nobody}"):
        person, crawler = ask(port, "/", CHROME), ask(port, "/", GPTBOT)
        robots = ask(port, "/robots.txt", GPTBOT)

    assert person.status == 502
    assert crawler.status == 403
    assert robots.status == 200


def test_beside_a_site(config: Path, sidecar: Any, ports: Ports) -> None:
    (port,) = ports(1)
    with sidecar(config, port):
        forwarded = {"X-Forwarded-Uri": "/lyrics/1", "X-Forwarded-Host": "label.example"}
        person = ask(port, "/.vorbehalt/auth", CHROME, forwarded)
        crawler = ask(port, "/.vorbehalt/auth", GPTBOT, forwarded)
        signal_asked = ask(port, "/.vorbehalt/auth", GPTBOT, {**forwarded, "X-Forwarded-Uri": "/robots.txt"})
        health = ask(port, "/.vorbehalt/health")

    assert person.status == 204
    assert person.headers["tdm-reservation"] == "1"
    assert crawler.status == 403
    assert signal_asked.status == 204
    assert health.status == 200


def test_an_address_is_believed_from_a_trusted_proxy_only(
    config: Path,
    sidecar: Any,
    ports: Ports,
    fresh_googlebot: Callable[[Path], str],
    standings: Callable[[int, str], dict[str, float]],
) -> None:
    address = fresh_googlebot(config)
    port, metrics = ports(2)
    with sidecar(config, port, "--metrics-listen", f"127.0.0.1:{metrics}"):
        ask(port, "/.vorbehalt/auth", GOOGLEBOT, {"X-Forwarded-For": address})
        trusted = standings(metrics, "Googlebot")
        # The nearest proxy wrote the last address; what stands before it anybody could have written.
        ask(port, "/.vorbehalt/auth", GOOGLEBOT, {"X-Forwarded-For": f"{address}, 203.0.113.9"})
        forged = standings(metrics, "Googlebot")
    config.write_text(config.read_text().replace('trusted_proxies = ["loopback"]', "trusted_proxies = []"))
    with sidecar(config, port, "--metrics-listen", f"127.0.0.1:{metrics}"):
        ask(port, "/.vorbehalt/auth", GOOGLEBOT, {"X-Forwarded-For": address})
        untrusted = standings(metrics, "Googlebot")  # counters go on where they stopped

    assert trusted == {"verified": 1}
    assert forged["verified"] == 1
    assert untrusted["verified"] == 1
    assert untrusted["claimed"] == forged.get("claimed", 0) + 1


def forms(address: str) -> list[bytes]:
    """An address as somebody could write it so that somebody else could read it again."""
    packed = ipaddress.ip_address(address).packed
    number = int.from_bytes(packed, "big")
    plain = [address, str(number), f"{number:x}", address[::-1], "%2E".join(address.split("."))]
    digests = [hash_(value).hexdigest() for hash_ in (hashlib.md5, hashlib.sha1, hashlib.sha256)
               for value in (address.encode(), packed)]  # fmt: skip
    encoded = [base64.b64encode(value) for value in (address.encode(), packed)]
    return [text.lower().encode() for text in plain + digests] + [
        text.rstrip(b"=").lower() for text in encoded
    ]


def test_no_file_holds_an_address_that_a_reader_could_reverse(
    config: Path, sidecar: Any, ports: Ports, tmp_path: Path
) -> None:
    """Leaves, tiles, spool, vault, state, metrics and what the sidecar says; the vault is sealed."""
    address, sender = "198.51.100.77", "somebody@crawler.example"
    port, metrics = ports(2)
    headers = {
        "X-Forwarded-For": address,
        "X-Forwarded-Uri": f"/lyrics/{address}?ip={address}",
        "From": sender,
    }
    with sidecar(config, port, "--metrics-listen", f"127.0.0.1:{metrics}") as process:
        statuses = [
            ask(port, "/.vorbehalt/auth", agent, headers).status for agent in (GPTBOT, CHROME, GOOGLEBOT)
        ]
        exposed = ask(metrics, "/metrics").body
        end(process)

    assert statuses == [403, 204, 204]
    assert b'crawler="GPTBot"' in exposed
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if path.parent.parent.name == "vault"], "nothing was recorded"
    texts = {str(path): path.read_bytes().lower() for path in files} | {"metrics": exposed.lower()}
    for where, text in texts.items():
        found = [form for form in [*forms(address), sender.encode()] if form in text]
        assert not found, (where, found)


def test_a_changed_configuration_takes_effect_on_sighup(config: Path, sidecar: Any, ports: Ports) -> None:
    (port,) = ports(1)
    with sidecar(config, port) as process:
        before = ask(port, "/.vorbehalt/auth", GPTBOT).status
        config.write_text(config.read_text().replace('mode = "enforce"', 'mode = "observe"'))
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: ask(port, "/.vorbehalt/auth", GPTBOT).status == 204, "the change was not read")

    assert before == 403


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ('mode = "enforce"', ["--listen", "127.0.0.1:99999"], "127.0.0.1:99999"),
        ('mode = "off"', [], "vorbehalt.toml:20: V0"),
        ('mode = "enforce"', ["--upstream", "nonsense"], "nonsense"),
    ],
)
def test_what_cannot_be_served_is_said_and_exits_2(
    change: str, options: list[str], said: str, config: Path, ports: Ports
) -> None:
    config.write_text(config.read_text().replace('mode = "enforce"', change))
    listen = [] if "--listen" in options else ["--listen", f"127.0.0.1:{ports(1)[0]}"]

    done = vorbehalt("serve", "-c", config, *listen, *options)

    assert done.returncode == 2, done.stderr
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_the_page_of_a_refusal_is_had_from_whichever_worker_is_asked(
    config: Path, sidecar: Any, ports: Ports
) -> None:
    """One worker answers the question, the other one is asked for the page: each is stopped in its turn."""
    (port,) = ports(1)
    question = {"X-Original-Method": "GET", "X-Original-URI": "/lyrics/1", "Accept": "text/html"}
    with sidecar(config, port, "--workers", "2") as supervisor:
        children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children")
        wait_for(lambda: len(children.read_text().split()) == 2, "there are no two workers")
        workers = [int(pid) for pid in children.read_text().split()]
        # One that is stopped while it prepares the evidence would hold up the other.
        wait_for(
            lambda: all(len(os.listdir(f"/proc/{pid}/task")) > 1 for pid in workers),
            "a worker has not begun to write",
        )
        for pid in workers:
            # Each worker answers once alone, so that both are known to have begun.
            with stopped(*set(workers) - {pid}):
                assert ask(port, "/.vorbehalt/health").status == 200
        pages = []
        for asked, other in (workers, workers[::-1]):
            with stopped(other):
                told = ask(port, "/.vorbehalt/auth", GPTBOT, question)
            reference = told.headers["x-vorbehalt-reference"]
            with stopped(asked):
                pages += [ask(port, f"/.vorbehalt/refusal/{reference}?status=403", GPTBOT) for _ in range(2)]
            assert told.status == 403
            assert reference.encode() in pages[-2].body
    assert [page.status for page in pages] == [403] * 4
    assert [b"<h1>" in page.body for page in pages] == [True, False, True, False], "once"
    assert pages[0].headers["content-type"] == "text/html; charset=utf-8"
    assert pages[0].headers["tdm-reservation"] == "1"


@contextlib.contextmanager
def stopped(*workers: int) -> Iterator[None]:
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
