"""The picture of the house is the house: its rooms are those of the layers, its files exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
HOUSE = ROOT / "middleware" / "vorbehalt"
ROWS = re.findall(r"^\| `([a-z_/]+)/` \| (.*) \|$", TEXT, re.M)


def layers() -> list[set[str]]:
    """The layers that import-linter holds, the highest first."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    (contract,) = [one for one in tool["importlinter"]["contracts"] if one.get("containers") == ["vorbehalt"]]
    return [set(layer.split(" | ")) for layer in contract["layers"]]


def drawn() -> list[set[str]]:
    """The layers of the picture: the words in front of what is said of them; a line may go on in the next."""
    picture = TEXT.partition("```\n")[2].partition("rules/vorbehalt_rules")[0]
    found: list[set[str]] = []
    for line in picture.splitlines():
        rooms = re.split(r" {2,}", line.strip())[0]
        words = set(re.findall(r"[a-z_]+", rooms))
        if not words:
            continue
        if rooms.startswith("·"):
            found[-1] |= words
        else:
            found.append(words)
    return found


def test_the_picture_shows_the_layers_from_the_top_down() -> None:
    place = {room: number for number, layer in enumerate(layers()) for room in layer}
    assert set().union(*drawn()) == place.keys()
    flat = [room for layer in drawn() for room in sorted(layer, key=lambda room: place[room])]
    assert [place[room] for room in flat] == sorted(place.values())


def test_every_room_has_one_row() -> None:
    rooms = [room for room, _ in ROWS if "/" not in room]
    assert len(rooms) == len(set(rooms))
    packages = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    assert packages - set(rooms) <= {"demo", "replay"}, "small rooms whose files speak for themselves"


@pytest.mark.parametrize(("room", "text"), ROWS, ids=[room for room, _ in ROWS])
def test_what_a_row_names_exists(room: str, text: str) -> None:
    for name in re.findall(r"`([a-z_0-9/]+(?:\.[a-z]+|/))`", text):
        places = [HOUSE / room / name, HOUSE / name, *(HOUSE / room).glob(f"*/{name}")]
        assert any(place.exists() for place in places), name
