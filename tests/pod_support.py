"""nginx and the sidecar as containers would run them, with the files that deploy/ mounts, in their places."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from process_support import CHROME, GPTBOT
from sandbox_support import ROOT, inside, python_path

DRILL = ROOT / "tests" / "deploy" / "pod_drill.py"
# What the image's own nginx.conf says, as far as it matters here.
NGINX_CONF = """\
daemon off;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events {}
http {
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path /tmp/1; proxy_temp_path /tmp/2; fastcgi_temp_path /tmp/3;
    uwsgi_temp_path /tmp/4; scgi_temp_path /tmp/5;
    include /etc/nginx/conf.d/*.conf;
}
"""
ASKS = {
    "reader": [8080, "/", {"User-Agent": CHROME}],
    "crawler": [8080, "/lyrics/1", {"User-Agent": GPTBOT}],
    "missing": [8080, "/nowhere", {"User-Agent": CHROME}],
    "robots": [8080, "/robots.txt", {"User-Agent": GPTBOT}],
    "healthz": [8080, "/healthz", {"User-Agent": GPTBOT}],
    "health": [8100, "/.vorbehalt/health", {}],
    "metrics": [9100, "/metrics", {}],
}
ASKS_THEN = {
    "reader left alone": [8080, "/", {"User-Agent": CHROME}],
    "healthz left alone": [8080, "/healthz", {}],
}


def run_pod(
    folder: Path,
    sidecar: list[str],
    *,
    nginx: Mapping[str, Path],
    config: Path,
    environment: Mapping[str, str] | None = None,
    more: Mapping[str, list[str]] | None = None,
    read: Mapping[str, Path] | None = None,
    more_ports: list[int] | None = None,
) -> Any:
    """Start all, ask, kill the sidecar, ask again; return the answers by label.

    `nginx` maps places below /etc/nginx or of the site's pages to files; `sidecar` is its command without the
    program, `config` the folder that it finds at /etc/vorbehalt. `folder` gets its volume.
    """
    (folder / "volume").mkdir()
    (folder / "nginx.conf").write_text(NGINX_CONF)
    (folder / "hosts").write_text("127.0.0.1 localhost vorbehalt site\n")
    order = {
        "start": {
            **(more or {}),
            "sidecar": [sys.executable, "-m", "vorbehalt.cli.main", *sidecar],
            "nginx": shlex.split("nginx -e /dev/stderr -c /etc/nginx/nginx.conf"),
        },
        "ports": [*(more_ports or []), 8100, 9100, 8080],
        "asks": ASKS,
        "lost": "sidecar",
        "asks_then": ASKS_THEN,
    }
    done = inside(
        [sys.executable, "-I", "/drill.py", json.dumps(order)],
        read={
            "/etc/hosts": folder / "hosts",
            "/etc/nginx/nginx.conf": folder / "nginx.conf",
            "/etc/nginx/mime.types": Path("/etc/nginx/mime.types"),
            **nginx,
            "/etc/vorbehalt": config,
            "/source": ROOT / "middleware",
            "/rules": ROOT / "rules",
            "/drill.py": DRILL,
            **(read or {}),
        },
        write={"/var/lib/vorbehalt": folder / "volume"},
        environment={
            "PATH": f"{python_path()}:/usr/sbin",
            "PYTHONPATH": "/source:/rules",
            "PYTHONDONTWRITEBYTECODE": "1",
            **(environment or {}),
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def assert_protected_and_open(answers: Any) -> None:
    """Readers are served with the reservation, crawlers refused; without the sidecar the site goes on."""
    statuses = {label: answer["status"] for label, answer in answers.items()}
    assert statuses == {
        "reader": 200,
        "crawler": 403,
        "missing": 404,
        "robots": 200,
        "healthz": 200,
        "health": 200,
        "metrics": 200,
        "reader left alone": 200,
        "healthz left alone": 200,
    }
    for label in ("reader", "crawler", "missing", "robots"):
        assert answers[label]["headers"]["tdm-reservation"] == "1", label
    assert answers["crawler"]["headers"]["cache-control"] == "no-store"
    assert answers["reader"]["body"] == answers["reader left alone"]["body"]
    assert "User-agent: GPTBot" in answers["robots"]["body"]
    assert "Disallow: /intern/" in answers["robots"]["body"], "the site's own rules are lost"
    assert 'vorbehalt_requests_total{action="block",purpose="training"} 1.0' in answers["metrics"]["body"]
    assert answers["reader left alone"]["seconds"] < 2
