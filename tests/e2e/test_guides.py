"""Each proxy's page, followed word for word with the real proxy; then everything that a proxy must do."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import arrangement_support as claims
from arrangement_support import Arrangement
from following_support import following
from guide_support import ROOT, kill
from process_support import GPTBOT, ask, wait_for
from stand_in_site import answering_fastcgi

SERVE = "vorbehalt serve -c vorbehalt.toml --listen 127.0.0.1:8100 --metrics-listen 127.0.0.1:9100"


def join_command(page: str) -> str:
    """The command of a page that joins the access log."""
    found = re.search(r"^vorbehalt evidence join .*$", (ROOT / "docs" / page).read_text(), re.M)
    assert found is not None
    return found[0]


def has_fresh_list(metrics: int) -> bool:
    """True once the sidecar judges by the list of Googlebot's addresses that was just made."""
    text = ask(metrics, "/metrics").body.decode()
    ages = re.findall(r'^vorbehalt_rules_age_seconds\{list="google-googlebot"\} (\S+)', text, re.M)
    return bool(ages) and float(ages[0]) < 3600


def walk_through(at: Arrangement, fresh_googlebot: Callable[[Path], str], standings: object) -> None:
    """Follow the page, and hold the proxy to everything that it must do while the sidecar lives."""
    at.guide.follow(until="What to know")
    claims.the_curl_lines_hold(at.guide)
    address = fresh_googlebot(at.config)
    claims.people_are_served_and_crawlers_refused(at)
    claims.methods_and_bodies_arrive(at)
    claims.targets_arrive_as_they_were_sent(at)
    claims.a_websocket_gets_through(at)
    claims.strangers_cannot_ask_the_sidecar(at)
    wait_for(lambda: has_fresh_list(at.metrics), "the fresh list is not read")
    claims.nothing_forged_is_believed(at, address, standings)


@pytest.mark.real("nginx")
@pytest.mark.real("chromium")
def test_nginx(readable: Path, fresh_googlebot: Callable[[Path], str], standings: object) -> None:
    with following("nginx.md", readable, ("listen 80;", "listen 127.0.0.1:WEB;")) as at:
        walk_through(at, fresh_googlebot, standings)
        claims.a_real_browser_reads_the_page(at)
        claims.the_access_log_is_joined(
            at, readable / "log/nginx/vorbehalt.json", at.guide.swapped(join_command("nginx.md"))
        )
        claims.the_site_outlives_the_sidecar(at)
        claims.the_next_start_records_the_gap(at, f"{SERVE} &")


@pytest.mark.real("caddy")
@pytest.mark.real("chromium")
def test_caddy(readable: Path, fresh_googlebot: Callable[[Path], str], standings: object) -> None:
    listen = "http://www.example.org, http://127.0.0.1 {", "http://127.0.0.1:WEB {"
    alone = "import /etc/caddy", "{\n\tadmin off\n}\nimport /etc/caddy"
    with following("caddy.md", readable, listen, alone) as at:
        walk_through(at, fresh_googlebot, standings)
        claims.a_real_browser_reads_the_page(at)
        claims.the_access_log_is_joined(
            at, readable / "log/caddy/vorbehalt.json", at.guide.swapped(join_command("caddy.md"))
        )
        claims.the_site_outlives_the_sidecar(at)
        claims.the_next_start_records_the_gap(at, f"{SERVE} &")


@pytest.mark.real("envoy")
@pytest.mark.real("chromium")
def test_envoy(readable: Path, fresh_googlebot: Callable[[Path], str], standings: object) -> None:
    listen = "address: 0.0.0.0, port_value: 8080", "address: 127.0.0.1, port_value: WEB"
    with following("envoy.md", readable, listen) as at:
        walk_through(at, fresh_googlebot, standings)
        claims.a_real_browser_reads_the_page(at)
        claims.the_access_log_is_joined(
            at, readable / "log/envoy/vorbehalt.json", at.guide.swapped(join_command("envoy.md"))
        )
        claims.the_site_outlives_the_sidecar(at)
        claims.the_next_start_records_the_gap(at, f"{SERVE} &")


@pytest.mark.real("haproxy")
def test_haproxy(readable: Path, fresh_googlebot: Callable[[Path], str], standings: object) -> None:
    """As a reverse proxy: the sidecar sees the answers, so there is no log to join."""
    with following("haproxy.md", readable, ("bind :8080", "bind 127.0.0.1:WEB")) as at:
        at.guide.follow(until="What to know")
        claims.the_curl_lines_hold(at.guide)
        claims.people_are_served_and_crawlers_refused(at)
        claims.methods_and_bodies_arrive(at)
        claims.a_websocket_gets_through(at)
        claims.nothing_forged_is_believed(at, fresh_googlebot(at.config), standings)
        kill(at.guide.sidecar())
        assert [ask(at.web).status for _ in range(3)] == [200, 200, 200]
        assert at.records("completion") == []


@pytest.mark.real("nginx")
def test_wordpress(readable: Path) -> None:
    """A stand-in for PHP answers over FastCGI; the page is followed as it stands."""
    php = readable / "php.sock"
    listen = ("listen 80;", "listen 127.0.0.1:WEB;"), ("unix:/run/php/php-fpm.sock", f"unix:{php}")
    with following("wordpress.md", readable, *listen) as at, answering_fastcgi(php) as asked:
        www = readable / "var/www/html"
        (www / "wp-admin").mkdir(parents=True)
        for name in ("index.php", "wp-cron.php", "wp-admin/admin-ajax.php"):
            (www / name).write_text("<?php")
        (readable / "var/cache/nginx").mkdir(parents=True)
        for path in (readable / "var").rglob("*"):
            path.chmod(0o777 if path.is_dir() else 0o644)
        at.guide.follow()
        claims.the_curl_lines_hold(at.guide)

        fresh, cached = ask(at.web, "/cached/"), ask(at.web, "/cached/")
        refused = ask(at.web, "/cached/", GPTBOT)
        after = ask(at.web, "/cached/")
        cron = ask(at.web, "/wp-cron.php", GPTBOT)
        rest = ask(at.web, "/wp-json/wp/v2/posts", GPTBOT)

    assert [answer.status for answer in (fresh, cached, after)] == [200, 200, 200]
    assert asked.count("/cached/") == 1, "the page cache works"
    assert (refused.status, refused.headers["cache-control"]) == (403, "no-store")
    assert {answer.headers["tdm-reservation"] for answer in (fresh, cached, after, refused)} == {"1"}
    assert cron.status == 200
    assert rest.status == 403


@pytest.mark.real("nginx")
def test_nginx_makes_a_429_of_a_limit(readable: Path) -> None:
    """The visitor's address is made a global one here: nobody on loopback is ever limited."""
    listen = (
        ("listen 80;", "listen 127.0.0.1:WEB;"),
        ("X-Forwarded-For $remote_addr", "X-Forwarded-For 8.8.8.8"),
    )
    with following("nginx.md", readable, *listen) as at:
        at.guide.follow(until="What to know")
        answers = [ask(at.web, "/", "PerplexityBot/1.0") for _ in range(40)]
        limited = [answer for answer in answers if answer.status != 200]

    assert [answer.status for answer in answers[:5]] == [200] * 5
    assert {answer.status for answer in limited} == {429}
    assert int(limited[0].headers["retry-after"]) > 0
    assert limited[0].headers["cache-control"] == "no-store"
    assert claims.REFERENCE.search(limited[0].body)


@pytest.mark.real("nginx")
@pytest.mark.real("curl")
def test_nginx_over_http_2_and_ipv6(readable: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6 on its loopback")
    listen = "listen 80;", "listen 127.0.0.1:WEB; listen [::1]:WEB http2;"
    with following("nginx.md", readable, listen) as at:
        at.guide.follow(until="What to know")

        def curl(*more: str) -> str:
            line = [
                "curl",
                "-sg",
                "--http2-prior-knowledge",
                "-o",
                "/dev/null",
                "-w",
                "%{http_version} %{http_code}",
            ]
            url = f"http://[::1]:{at.web}/cover.png"
            return subprocess.run(
                [*line, *more, url], capture_output=True, text=True, timeout=30, check=True
            ).stdout

        answers = [curl(), curl("-A", "GPTBot/1.2"), curl("-X", "POST", "-d", "x")]
        wait_for(lambda: len(at.records("request")) >= 2, "the refusal is not sealed")
        record = at.records("request")[-1]["seen"]

    assert answers == ["2 200", "2 403", "2 201"]
    assert isinstance(record, dict)
    assert (record["path"], record["source"]) == ("/cover.png", "proxy-asserted")


def test_traefik_is_configured_by_what_its_documentation_says() -> None:
    """Traefik is not installed: only the form is checked, and the page says that it was not run."""
    dynamic = yaml.safe_load((ROOT / "deploy/traefik/vorbehalt.yml").read_text())["http"]
    asking = dynamic["middlewares"]["vorbehalt"]["forwardAuth"]
    rule = dynamic["routers"]["vorbehalt-signals"]["rule"]

    assert asking == {
        "address": "http://127.0.0.1:8100/.vorbehalt/auth?limit=429",
        "trustForwardHeader": False,
    }
    assert re.findall(r"Path\(`([^`]+)`\)", rule) == list(claims.SIGNALS)
    assert dynamic["routers"]["vorbehalt-signals"]["service"] in dynamic["services"]
    assert "**Not run.**" in (ROOT / "docs/traefik.md").read_text()
