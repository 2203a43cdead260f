"""What the tests read out of the committed dashboards: panels, and their queries as Prometheus gets them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "grafana" / "dashboards"
NAMES = ("owner", "operator", "crawler")

BUILT_IN = frozenset({"__range", "__interval", "__rate_interval"})
VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel or annotation. `is_range`: asked over time, not at its end."""

    dashboard: str
    title: str
    ref: str
    text: str
    is_range: bool

    @property
    def place(self) -> str:
        return f"{self.dashboard}: {self.title} [{self.ref}]"

    def filled(self, values: Mapping[str, str]) -> str:
        """The query with its variables replaced; KeyError for one that is unknown."""
        return VARIABLE.sub(lambda match: values[match[1]], self.text.replace('"$1"', '"\0"')).replace(
            "\0", "$1"
        )


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def panels(name: str) -> list[dict[str, Any]]:
    """All panels that show something; rows left out."""
    return [panel for panel in load(name)["panels"] if panel["type"] != "row"]


def queries() -> Iterator[Query]:
    for name in NAMES:
        for panel in panels(name):
            for target in panel["targets"]:
                yield Query(name, panel["title"], target["refId"], target["expr"], bool(target.get("range")))
        for annotation in load(name)["annotations"]["list"]:
            yield Query(name, annotation["name"], "annotation", annotation["expr"], True)
