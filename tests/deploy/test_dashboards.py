"""The committed dashboards: built from code, whole, readable for an owner, and neutral in their words."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboard_support import BUILT_IN, FOLDER, NAMES, ROOT, VARIABLE, load, panels, queries
from vorbehalt.edge.exposition import HELP

BUILD = ROOT / "deploy" / "grafana" / "build.py"
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"


def build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BUILD, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_committed_files_are_what_the_code_builds() -> None:
    done = build("--check")
    assert (done.returncode, done.stdout) == (0, "")
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(f"{name}.json" for name in NAMES)


def test_a_file_that_is_not_current_is_named(tmp_path: Path) -> None:
    assert build("--to", tmp_path).returncode == 0
    assert build("--check", "--to", tmp_path).returncode == 0
    owner = tmp_path / "owner.json"
    owner.write_text(owner.read_text("utf-8").replace("Protection", "Guard"), "utf-8")
    (tmp_path / "crawler.json").unlink()
    done = build("--check", "--to", tmp_path)
    assert done.returncode == 1
    assert [line.partition(" is")[0] for line in done.stdout.splitlines()] == [
        str(owner),
        str(tmp_path / "crawler.json"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_types_read_every_field(name: str) -> None:
    register_default_plugins()
    dashboard = Dashboard.from_json(load(name))
    assert len(dashboard.panels or []) == len(load(name)["panels"])
    assert dashboard.uid == f"vorbehalt-{name}"


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_unique_and_panels_do_not_overlap(name: str) -> None:
    every = load(name)["panels"]
    assert [panel["id"] for panel in every] == list(range(1, len(every) + 1))
    taken: dict[tuple[int, int], int] = {}
    for panel in every:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        assert place["h"] >= 1
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"], panel["title"]


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_says_what_it_means_and_where_its_data_come_from(name: str) -> None:
    titles = [panel["title"] for panel in panels(name)]
    assert len(titles) == len(set(titles))
    for panel in panels(name):
        assert len(panel["description"].split()) >= 5, panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        for holder in (panel, *panel["targets"]):
            assert holder["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["noValue"], panel["title"]
        assert defaults["thresholds"]["steps"][0]["value"] is None, panel["title"]
        values = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
        assert values == sorted(values), panel["title"]
        assert defaults["unit"], panel["title"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))


@pytest.mark.parametrize("name", NAMES)
def test_variables_exist_and_are_used(name: str) -> None:
    dashboard = load(name)
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set()
    for query in queries():
        if query.dashboard == name:
            used |= set(VARIABLE.findall(query.text.replace('"$1"', "")))
    assert used - BUILT_IN == defined - {"datasource"}
    assert {"datasource", "instance"} <= defined


def test_an_owner_sees_a_week_and_what_the_issue_promises() -> None:
    assert load("owner")["time"] == {"from": "now-7d", "to": "now"}
    assert {panel["title"] for panel in panels("owner")} >= {
        "Protection",
        "Reservation in force since",
        "Search engines refused",
        "People affected",
        "By operator",
        "Bytes delivered to",
        "Reserved sections most requested",
        "Verified, or only claimed",
        "Impostors by the name they claimed",
        "Told, and came anyway",
        "Pages and files delivered per visitor sent",
        "Bytes spared by refusals",
        "Proof",
        "What was in force, and since when",
    }


def words(value: Any) -> str:
    """All that a reader sees."""
    keys = ("title", "description", "text", "noValue", "legendFormat", "label", "name", "displayName")
    if isinstance(value, dict):
        found = [str(item) for key, item in value.items() if key in keys and isinstance(item, str)]
        return " ".join([*found, *(words(item) for item in value.values())])
    return " ".join(words(item) for item in value) if isinstance(value, list) else ""


@pytest.mark.parametrize("name", NAMES)
def test_words_are_neutral(name: str) -> None:
    text = words(load(name)).lower()
    assert "delivered to" in text or name == "operator"
    for word in (
        "stolen",
        "steal",
        "thief",
        "theft",
        "pirat",
        "loot",
        "abuse",
        "attack",
        "bad bot",
        "guilty",
    ):
        assert not re.search(rf"\b{word}", text), word


def test_every_metric_that_is_asked_for_is_documented() -> None:
    documented = set(re.findall(r"`(vorbehalt_\w+)`", (ROOT / "docs" / "metrics.md").read_text("utf-8")))
    rules = (ROOT / "deploy" / "prometheus" / "vorbehalt.rules.yml").read_text("utf-8")
    for text in [rules, *(query.text for query in queries())]:
        for name in re.findall(r"\bvorbehalt_\w+", text):
            assert name.removesuffix("_bucket") in documented, name
    assert set(HELP) <= documented


def test_provisioning_names_the_data_source_and_the_folder() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "vorbehalt.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "vorbehalt.yml").read_text())["providers"]
    prometheus = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards/vorbehalt"
    assert provider["type"] == "file"
    (job,) = prometheus["scrape_configs"]
    assert job["job_name"] == "vorbehalt"
    assert job["static_configs"] == [{"targets": ["vorbehalt:9100"]}]
