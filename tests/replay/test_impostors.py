"""An impostor is reported apart, and never counted against the operator it poses as."""

from __future__ import annotations

from pathlib import Path

from vorbehalt.engine import Engine
from vorbehalt.evidence.leaf.drafts import budget_of, rollup_key
from vorbehalt.facts import ClientAddress, Visit
from vorbehalt.identify.networks import read_range_lists
from vorbehalt.replay import render_html, replay
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

SETTINGS = load(
    {"format": 1, "site": {"origin": "https://label.example"}, "evidence": {"directory": "off"}}, environ={}
)
AGENT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
FETCHED = read_range_lists(SETTINGS.rules_documents)["openai-gptbot"].fetched_at


def line(address: str) -> str:
    return f'{address} - - [02/Sep/2026:12:00:00 +0000] "GET /lyrics/1 HTTP/1.1" 200 512 "-" "{AGENT}"\n'


def test_a_log_with_the_genuine_and_the_false(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text(line("4.227.36.7") * 3 + line("203.0.114.9") * 2)

    result = replay([str(log)], Engine(SETTINGS, MemoryLimits()).judge)

    rows = {(row["token"], row["operator"]): row["requests"] for row in result.as_json()["crawlers"]}  # type: ignore[attr-defined]
    assert rows == {("GPTBot", "OpenAI"): 3, ("GPTBot", None): 2}
    assert "not counted against the operator" in render_html(result)


def test_counts_and_budgets_of_impostors_are_their_own() -> None:
    engine = Engine(SETTINGS, MemoryLimits())
    found = {}
    for address in ("4.227.36.7", "203.0.114.9"):
        client = ClientAddress(address, "direct", is_global=True)
        headers = ((b"host", b"label.example"), (b"user-agent", AGENT.encode()))
        visit = Visit(FETCHED + 1, "GET", "https", "label.example", "/", b"/", "1.1", headers, client)
        verdict = engine.judge(visit)
        assert verdict.identity is not None
        found[verdict.identity.standing.value] = (rollup_key(verdict, "h")[2], budget_of(verdict.identity))

    assert found == {"verified": ("OpenAI", "OpenAI"), "contradicted": ("", "impostor GPTBot")}
