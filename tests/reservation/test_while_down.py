"""What proxies say while the sidecar is down: the most restrictive of the host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from terms_support import Terms
from vorbehalt.reservation.bundle import render
from vorbehalt.reservation.exports import export
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

OPEN = Uses("allow", "allow", "allow", "allow")
CLOSED = Uses("reserve", "reserve", "reserve", "reserve")
TERMS = Terms("https://label.example", "Label Example GmbH", "mailto:licensing@label.example")
RESERVED = {
    "tdm-reservation": "1",
    "tdm-policy": "https://label.example/.well-known/tdm-policy.json",
    "content-usage": "train-ai=n, ai-use=n, search=y",
    "x-robots-tag": "noai, noimageai",
    "link": '<https://label.example/license.xml>; rel="license"; type="application/rsl+xml"',
}


def written(terms: Terms, name: str) -> str:
    made = export(terms, render(terms, None, ("GPTBot",)))
    return made.files[f"server/while-down/{name}"].decode()


def filters(terms: Terms) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load("http_filters:\n" + written(terms, "envoy.yaml"))[
        "http_filters"
    ]
    return found


def at_envoy(terms: Terms) -> dict[str, str]:
    (one,) = filters(terms)
    mutations = one["typed_config"]["extension_config"]["typed_config"]["mutations"]["response_mutations"]
    return {pair["append"]["header"]["key"]: pair["append"]["header"]["value"] for pair in mutations}


@pytest.mark.parametrize(
    ("uses", "sections", "told"),
    [
        (Uses(), (), RESERVED),
        (Uses(), (Section("press", ("/press/",), OPEN),), RESERVED),
        (
            OPEN,
            (Section("audio", ("/audio/",), CLOSED, media=("audio/*",)),),
            {**RESERVED, "content-usage": "train-ai=n, ai-use=n, search=n"},
        ),
        (
            OPEN,
            (),
            {
                "tdm-reservation": "0",
                "content-usage": "train-ai=y, ai-use=y, search=y",
                "link": RESERVED["link"],
            },
        ),
    ],
)
def test_the_most_restrictive_of_the_host_is_said(
    uses: Uses, sections: tuple[Section, ...], told: dict[str, str]
) -> None:
    terms = replace(TERMS, uses=uses, sections=sections)
    names = {
        "tdm-reservation": "tdm", "tdm-policy": "policy", "content-usage": "usage",
        "x-robots-tag": "robots", "link": "link",
    }  # fmt: skip
    escaped = {name: value.replace('"', '\\"') for name, value in told.items()}
    nginx = [line for line in written(terms, "vorbehalt_while_down.conf").splitlines() if line[:1] != "#"]
    assert nginx == [f'set $vorbehalt_down_{names[name]} "{value}";' for name, value in escaped.items()]
    caddy = written(terms, "vorbehalt_while_down.caddy").partition("header {\n")[2].partition("}")[0]
    assert caddy.splitlines() == [f"\t{name} `{value}`" for name, value in told.items()]
    assert at_envoy(terms) == told


def test_nothing_in_a_value_is_taken_for_a_command_of_the_proxy() -> None:
    terms = replace(TERMS, tdm_policy_path="/a%20b/$c/{d}")
    said = written(terms, "vorbehalt_while_down.conf")
    assert "# tdm-policy holds a dollar sign" in said
    assert "vorbehalt_down_policy" not in said
    assert "\ttdm-policy `https://label.example/a%20b/$c/\\{d}`\n" in written(
        terms, "vorbehalt_while_down.caddy"
    )
    assert at_envoy(terms)["tdm-policy"] == "https://label.example/a%%20b/$c/{d}"
