"""One digest over the effective configuration, the same for the same content whatever its spelling."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

_SECRET = "secret"  # noqa: S105 - the name of a key, not its value


def digest(value: object) -> str:
    """Return SHA-256 (hex) over the canonical JSON of values. Secrets count by their presence only."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plain(value: object) -> object:
    """Return values as JSON knows them, dataclasses by field. Secrets show by their presence only."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _field(field.name, getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(below) for key, below in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def _field(name: str, value: object) -> object:
    if name == _SECRET and value is not None:
        return "set"
    if name == "redis" and isinstance(value, str):
        return without_password(value)
    return plain(value)


def without_password(url: str) -> str:
    """Return a URL whose password, if any, is replaced by a mark."""
    authority = urlsplit(url).netloc
    user, at, host = authority.rpartition("@")
    if not at or ":" not in user:
        return url
    return url.replace(f"{authority}", f"{user.partition(':')[0]}:***@{host}", 1)
