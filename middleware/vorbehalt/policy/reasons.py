"""Reason codes: the stable words that stand in records and refusals, each with a sentence for people.

Append only. A code that has stood in a record is never renamed, reused or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "no-claim": "The visitor did not say it was a crawler, and no rule concerns it.",
        "no-rule": "No rule concerns this crawler; it was answered.",
        "never-judged": "This path is always answered, whoever asks.",
        "training-reserved": "The use of this site for AI training is reserved.",
        "dataset-reserved": "The use of this site for data sets that train AI is reserved.",
        "search-reserved": "The use of this site for AI search indexes is reserved.",
        "user-fetch-reserved": "Fetching this site on behalf of users of AI products is reserved.",
        "archiver-reserved": "Copying this site into archives without a legal-deposit mandate is reserved.",
        "undocumented-crawler": "The operator of this crawler does not say what it collects pages for.",
        "purpose-not-documented": "Others say that this crawler collects for AI; its operator does not.",
        "control-token": "The name is a switch for robots.txt that no real client sends as User-Agent.",
        "impostor": "The request claims a crawler's name, but what could be checked contradicts the claim.",
        "impostor-rule-disarmed": "Search engines looked like impostors too often; all pass for now.",
        "search-allowed": "AI search indexes that send readers here are answered.",
        "user-fetch-allowed": "Somebody waits for this page; it was answered.",
        "agent-allowed": "The agent may act for a reader or a customer; it was answered.",
        "search-engine-allowed": "Search engines are answered.",
        "preview-allowed": "Link previews are answered.",
        "monitor-allowed": "Uptime and certificate monitors are answered.",
        "feed-allowed": "Feed readers are answered.",
        "archiver-allowed": "Web archives are answered.",
        "seo-allowed": "Search analysis tools are answered within their quota.",
        "tool-counted": "General tools and headless browsers are answered and counted.",
        "quota-exceeded": "Too many requests; the quota of this rule is used up for now.",
        "challenge-as-limit": "The rule asks for a challenge; there is none, so a limit stands in for it.",
        "findings-limit": "What was seen of this client does not fit what it says it is: a tighter quota.",
        "findings-challenge": "Much of what was seen of this client does not fit what it says it is.",
        "findings-block": "What was seen of this client, of more than one kind, shows a disguised program.",
        "paused": "Whoever runs this site has paused the enforcement; the request was answered.",
        "spared": "Whoever runs this site lets this visitor in after an earlier refusal.",
        "licensed": "A contract permits this use to the crawler's operator.",
        "observed": "The rule is only observed: what it says was recorded, the request was answered.",
        "site-rule-token": "A rule of this site names the crawler.",
        "site-rule-operator": "A rule of this site names the crawler's operator.",
        "site-rule-purpose": "A rule of this site names the crawler's purpose.",
        "site-rule-standing": "A rule of this site concerns claims of this standing.",
        "site-rule-path": "A rule of this site concerns this path.",
        "site-rule-section": "A rule of this site concerns this section.",
        "site-rule-class": "A rule of this site concerns requests for pages, media, search or feeds.",
        "site-rule-finding": "A rule of this site concerns clients with this finding.",
        "site-rule-score": "A rule of this site concerns clients that behave like this one.",
        "site-rule-level": "A rule of this site concerns clients whose findings come to this level.",
        "site-rule-address": "A rule of this site concerns this network address.",
        "site-rule-host": "A rule of this site concerns this host name.",
        "site-rule": "A rule of this site concerns every visitor.",
    }
)
"""Code -> sentence. Sentences may be reworded, codes may not."""
