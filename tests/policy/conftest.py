"""Stand-ins for crawlers and requests, and the presets as they are shipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

import vorbehalt_rules
from vorbehalt.facts import Finding, Purpose, Standing
from vorbehalt.identify.identity import Identity
from vorbehalt.identify.registry import Crawler, Party
from vorbehalt.policy.rules import Case

MakeIdentity = Callable[..., Identity]
MakeCase = Callable[..., Case]


@pytest.fixture(scope="session")
def documents() -> Mapping[str, bytes]:
    return vorbehalt_rules.documents()


@pytest.fixture
def make_identity() -> MakeIdentity:
    def make(
        purpose: str = "training",
        standing: str = "claimed",
        *,
        token: str = "ExampleBot",
        operator: str | None = "Example AI",
        **more: Any,
    ) -> Identity:
        party = Party(
            (operator or "maker").lower().replace(" ", "-"), operator or "Maker", operator is not None
        )
        basis = more.pop("basis", "operator")
        crawler = Crawler(token, party, "crawler", Purpose(purpose), basis, **more)
        return Identity(crawler, Standing(standing), "as the test says")

    return make


@pytest.fixture
def make_case() -> MakeCase:
    def make(identity: Identity | None = None, **more: Any) -> Case:
        findings = tuple(Finding(id, 10, "seen", "expected") for id in more.pop("findings", ()))
        values: dict[str, Any] = {
            "received_at": 1_800_000_000 * 10**9,
            "score": 0,
            "path": "/songs/1",
            "section": "",
            "host": "label.example",
            "address": "93.184.216.34",
            "address_usable": True,
        }
        return Case(identity=identity, findings=findings, **{**values, **more})

    return make
