"""A real Caddy that follows what `init --for caddy` prints, word for word."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from process_support import CHROME, GOOGLEBOT, GPTBOT, ask, end, running


@pytest.mark.real("caddy")
def test_caddy_asks_the_sidecar_and_serves_without_it(
    tmp_path: Path,
    sidecar: Any,
    printed: Callable[[str], dict[str, str]],
    ports: Callable[[int], list[int]],
    press: str,
    fresh_googlebot: Callable[[Path], str],
    standings: Callable[[int, str], dict[str, float]],
) -> None:
    web, asked, spare, metrics = ports(4)
    pieces = printed("caddy")
    config = tmp_path / "vorbehalt.toml"
    config.write_text(config.read_text() + press)
    address = fresh_googlebot(config)
    site = pieces["Your site"].replace("label.example {", f"http://127.0.0.1:{web} {{")
    site = site.replace("# ... your site as before", f"root * {tmp_path}/www\n\t\tfile_server")
    ours = pieces["Above your site"].replace("127.0.0.1:8100", f"127.0.0.1:{asked}")
    ours = ours.replace("127.0.0.1:8101", f"127.0.0.1:{spare}")
    (tmp_path / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + ours + site)
    for page in ("index.html", "press/index.html"):
        (tmp_path / "www" / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "www" / page).write_text("a page")
    caddy = ["caddy", "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
    homes = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    with (
        sidecar(config, asked, "--metrics-listen", f"127.0.0.1:{metrics}") as process,
        running(caddy, web, tmp_path, homes),
    ):
        person, crawler, told_press = ask(web), ask(web, "/lyrics/1", GPTBOT), ask(web, "/press/")
        robots = ask(web, "/robots.txt", GPTBOT)
        forged = ask(web, "/", GOOGLEBOT, {"X-Forwarded-For": address})
        standing = standings(metrics, "Googlebot")
        question = ask(web, "/.vorbehalt/auth", CHROME)
        end(process, signal.SIGKILL)
        left_alone, crawler_then = ask(web), ask(web, "/", GPTBOT)
        robots_then = ask(web, "/robots.txt")

    assert (person.status, person.body) == (200, b"a page")
    for answer in (person, crawler, robots):
        assert answer.headers["tdm-reservation"] == "1"
        assert answer.headers["content-usage"]
        assert answer.headers["tdm-policy"].startswith("https://label.example/")
        assert answer.headers["x-robots-tag"]
    assert "cache-control" not in person.headers
    assert (crawler.status, crawler.headers["cache-control"]) == (403, "no-store")
    assert b'"reference": "VB-' in crawler.body
    assert told_press.headers["tdm-reservation"] == "0"
    assert not {"tdm-policy", "x-robots-tag"} & told_press.headers.keys()
    assert robots.status == 200
    assert b"User-agent: GPTBot" in robots.body
    assert forged.status == 200
    assert standing == {"claimed": 1}
    assert question.status == 404
    assert (left_alone.status, left_alone.body) == (200, b"a page")
    assert crawler_then.status == 200, "when in doubt the request passes"
    assert robots_then.status == 204
