"""Reads `contents.json` back into its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from vorbehalt.claims.dossier.contents import FORMAT, Contents


def read_contents(said: Mapping[str, Any]) -> Contents:
    """Return the contents; raises ValueError, KeyError or TypeError for what is none of this format."""
    if said["format"] != FORMAT:
        raise ValueError(f"a dossier of format {said['format']!r} is not known here")
    found = _value(Contents, said)
    assert isinstance(found, Contents)
    return found


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _value(kind: Any, said: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        if not isinstance(said, dict) or said.keys() != hints.keys():
            raise TypeError(f"{kind.__name__} has other fields")
        return kind(**{name.name: _value(hints[name.name], said[name.name]) for name in fields(kind)})
    if get_origin(kind) is tuple:
        if not isinstance(said, list):
            raise TypeError(f"a list is missing: {said!r}"[:100])
        inner = get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_value(inner[0], item) for item in said)
        return tuple(_value(one, item) for one, item in zip(inner, said, strict=True))
    if isinstance(kind, UnionType):
        kinds = get_args(kind)
        if said is None and type(None) in kinds:
            return None
        return _value(next(one for one in kinds if one is not type(None)), said)
    if type(said) is not kind:
        raise TypeError(f"{said!r} is no {kind.__name__}"[:100])
    return said
