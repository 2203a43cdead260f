"""Every key of a TOML text is found on its line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

import vorbehalt_rules
from vorbehalt.settings.lines import find_line, key_lines

TEXT = '''\
# [commented] = "no"
a = "x # [not.a.table]" # why
"quoted key" = 1
'lit.eral' = 2
b.c = 1.5
multi = """
[no.table]
k = 1 \\""" still inside
""""
raw = \'\'\'
x = "
\'\'\'
list = [
  1,
  "two", # ]
  { three = 3, four = [
    5,
  ] },
]
when = 2027-01-31 10:00:00.5

[t]
k = { inner = "x", deep.er = true }

[[t.rows]]
name = "first"
[t.rows.sub]
k = 1
[[t.rows]]
name = "second"
[[t.rows.below]]
k = 2
[[t.rows.below]]
k = 3
[ "t" . last ]
k = 4
'''

EXPECTED = {
    "a": 2, "quoted key": 3, "lit.eral": 4, "b": 5, "b.c": 5, "multi": 6, "raw": 10, "list": 13,
    "list[0]": 14, "list[1]": 15, "list[2]": 16, "list[2].three": 16, "list[2].four": 16,
    "list[2].four[0]": 17, "when": 20, "t": 22, "t.k": 23, "t.k.inner": 23, "t.k.deep": 23,
    "t.k.deep.er": 23, "t.rows": 25, "t.rows[0]": 25, "t.rows[0].name": 26, "t.rows[0].sub": 27,
    "t.rows[0].sub.k": 28, "t.rows[1]": 29, "t.rows[1].name": 30, "t.rows[1].below": 31,
    "t.rows[1].below[0]": 31, "t.rows[1].below[0].k": 32, "t.rows[1].below[1]": 33,
    "t.rows[1].below[1].k": 34, "t.last": 35, "t.last.k": 36,
}  # fmt: skip


def test_keys_of_every_form_are_found() -> None:
    tomllib.loads(TEXT)
    assert key_lines(TEXT) == EXPECTED


def test_line_ends_of_other_systems_do_not_matter() -> None:
    assert key_lines(TEXT.replace("\n", "\r\n")) == EXPECTED


def test_a_key_that_does_not_stand_there_is_placed_at_the_nearest_table() -> None:
    lines = key_lines(TEXT)
    assert find_line(lines, "t.rows[1].nothing.at.all") == 29
    assert find_line(lines, "t.rows[7].name") == 25
    assert find_line(lines, "nowhere.at.all") == 0
    assert find_line(lines, "") == 0


def keys(value: object, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from keys(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from keys(item, f"{path}[{index}]")
    if path:
        yield path


def test_every_key_of_every_rules_document_is_found_on_a_line_that_names_it() -> None:
    checked = 0
    for name, body in vorbehalt_rules.documents().items():
        if not name.endswith(".toml") or name == "rejected.toml":
            continue
        text = body.decode()
        lines, rows = key_lines(text), text.split("\n")
        for key in keys(tomllib.loads(text), ""):
            assert key in lines, (name, key)
            last = key.rpartition(".")[2].partition("[")[0]
            if not key.endswith("]"):
                assert last in rows[lines[key] - 1], (name, key)
            checked += 1
    assert checked > 2000
