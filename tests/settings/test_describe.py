"""The effective policy in sentences, for people."""

from __future__ import annotations

from typing import Any

from vorbehalt.settings import describe

CONFIG = """format = 1
[site]
origin = "https://label.example"
[policy]
open_paths = ["/hooks/"]
[[policy.rule]]
name = "friend"
match = { token = ["GPTBot", "CCBot"], path = "/press/" }
action = "limit"
limit = "100/10min per operator"
until = 2027-01-31
[[policy.rule]]
name = "noisy"
match = { purpose = "seo" }
action = "block"
mode = "observe"
[[policy.rule]]
name = "asked"
match = { purpose = "undocumented" }
action = "challenge"
[[host]]
names = ["b.example"]
policy = { mode = "observe" }
[state]
redis = "redis://user:hidden@127.0.0.1/0"
[sidecar]
secret = "a secret that is long enough"
[evidence]
directory = "off"
"""


def test_each_rule_is_a_sentence_with_who_what_quota_mode_and_why(load_text: Any) -> None:
    lines = [line.strip() for line in describe(load_text(CONFIG))]
    assert (
        "1. friend: those with token GPTBot or CCBot; path /press/ are answered, 100 in 10 minutes per "
        "operator, beyond that 429, until 2027-01-31 00:00 UTC. Why: A rule of this site names the crawler."
    ) in lines
    assert (
        "2. noisy: those with purpose seo are refused (403), observed only, all are answered. "
        "Why: A rule of this site names the crawler's purpose."
    ) in lines
    assert any(
        line.startswith("3. asked: ") and "10 a minute per address (IPv6: /64)" in line for line in lines
    )
    assert any(line.endswith("default-allow: everybody else is answered.") for line in lines)


def test_hosts_reservation_and_evidence_are_said(load_text: Any) -> None:
    text = "\n".join(describe(load_text(CONFIG)))
    assert "https://label.example (every other host): preset allow-search, enforced." in text
    assert "https://b.example (b.example): preset allow-search, observed only: everybody is answered." in text
    assert "Reservation: search allowed, training reserved, AI input reserved, TDM reserved." in text
    assert "Never judged, besides the signal documents: /hooks/." in text
    assert "No evidence is kept" in text
    assert "No proxy is trusted" in text


def test_no_secret_is_printed(load_text: Any) -> None:
    text = "\n".join(describe(load_text(CONFIG)))
    assert "hidden" not in text
    assert "long enough" not in text
    assert (
        "Limits are shared through the Redis server redis://user:***@127.0.0.1/0: "
        "decided in each worker and shared within 0.1 s; keys begin with vorbehalt:."
    ) in text
    assert "digests without a secret" not in text


def test_what_redis_decides_is_said_and_that_keys_without_a_secret_can_be_guessed(load_text: Any) -> None:
    head = 'format = 1\n[site]\norigin = "https://label.example"\n[state]\nredis = "redis://10.0.0.1"\n'
    text = "\n".join(describe(load_text(head + "strict = true\ncluster = true\n")))
    assert "the Redis cluster redis://10.0.0.1: quotas of crawlers are decided there" in text
    assert "whoever reads them can find addresses by trying all of them; set state.secret." in text


def test_every_preset_can_be_described(load_text: Any) -> None:
    head = 'format = 1\n[site]\norigin = "https://label.example"\n[policy]\npreset = '
    for preset in ("allow-search", "archive-friendly", "observe-only", "reserve-all"):
        settings = load_text(f'{head}"{preset}"\n')
        numbered = [line for line in describe(settings) if line.strip()[:1].isdigit()]
        assert len(numbered) == len(settings.default_host.rules) + 1
