"""Requests of all kinds, and what a site answers, records and counts."""

from __future__ import annotations

from typing import Any

GOOGLE = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SETTINGS: dict[str, Any] = {
    "reservation": {
        "capacity": "owner",
        "section": [{"name": "lyrics", "paths": ["/lyrics/"], "ai_input": "allow", "tdm": "allow"}],
    },
    "network": {"trusted_proxies": ["192.0.2.1"]},
    "policy": {
        "open_paths": ["/hooks/"],
        "rule": [
            {
                "name": "our-friends",
                "match": {"token": ["ClaudeBot"], "address": ["8.8.4.0/24"]},
                "action": "allow",
            },
            {
                "name": "no-perplexity",
                "match": {"token": ["PerplexityBot"], "section": ["lyrics"]},
                "action": "block",
            },
        ],
    },
    "host": [
        {
            "names": ["open.example"],
            "site": {"origin": "https://open.example"},
            "policy": {"mode": "observe"},
        }
    ],
    "evidence": {"directory": "memory:"},
}
