"""What is redacted, and every secret of a request, is in no file, no log line and no metric."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from asgi_support import GPTBOT, PERPLEXITY, PageApp, ask, protect
from vorbehalt.edge.watching import needs_restart
from vorbehalt.evidence.auditor.audit import verify
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import Filters, show
from vorbehalt.evidence.vault.openings import openings
from vorbehalt.evidence.vault.retention import Keeping, Period

ADDRESS = "203.0.113.177"
SECRETS = ("cookie-s3cret", "token-s3cret", "query-s3cret", "de-CH-x-s3cret")


def test_no_secret_of_a_request_is_anywhere_but_under_the_vaults_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = tmp_path / "evidence"
    caplog.set_level(logging.DEBUG)
    site = protect(
        PageApp(), evidence={"directory": str(home), "redact": ["Accept-Language"]}, log={"refusals": True}
    )
    headers = [
        (b"cookie", SECRETS[0].encode()),
        (b"authorization", b"Bearer " + SECRETS[1].encode()),
        (b"accept-language", SECRETS[3].encode()),
    ]
    for agent in (GPTBOT, GPTBOT, PERPLEXITY):
        for path in ("/song", "/robots.txt"):
            ask(
                site,
                path,
                agent=agent,
                query_string=f"key={SECRETS[2]}".encode(),
                client=(ADDRESS, 4711),
                headers=headers,
            )
    metrics = generate_latest()
    site.close()

    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    texts = (kept, caplog.text.encode(), metrics)
    assert [text for text in (*SECRETS, ADDRESS) if any(text.encode() in place for place in texts)] == []
    assert b"[redacted]" in kept
    assert {opening.values.get("header-accept-language") for opening in openings(home)} == {
        SECRETS[3].encode()
    }
    assert len(list(show(home, Filters(type="request")))) == 3
    assert len(list(show(home, Filters(type="signal-served")))) == 3
    assert verify(home).problems == ()


def test_the_periods_of_the_configuration_are_those_of_the_running_log(tmp_path: Path) -> None:
    section = {"directory": str(tmp_path / "evidence"), "retention": {"person": "2w"}, "max_bytes": "2GB"}
    site = protect(PageApp(), evidence=section)
    assert site.runtime is not None
    evidence = site.runtime.evidence
    assert isinstance(evidence, EvidenceLog)
    assert evidence._keeping == Keeping(
        {"person": Period(days=14), "claimed": Period(days=90), "operator": Period(years=3)}, 2 * 10**9
    )
    other = protect(PageApp(), evidence={**section, "retention": {"person": "3w"}})
    assert other.runtime is not None
    assert needs_restart(site.runtime.settings, other.runtime.settings) == ["evidence.retention"]
    site.close()
    other.close()
