"""What is redacted, and every secret of a request, is in no file, no log line and no metric."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from asgi_support import GPTBOT, PERPLEXITY, PageApp, ask, protect
from vorbehalt.evidence.audit import verify
from vorbehalt.evidence.openings import openings
from vorbehalt.evidence.query import Filters, show

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
