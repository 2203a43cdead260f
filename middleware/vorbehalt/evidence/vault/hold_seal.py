"""What a hold's file says, under a seal of its matter's key: whoever narrows the scope is found out.

`{"operator": ..., "ref": ..., "since": ..., "mac": HMAC-SHA256 in hex}`. The key is derived from that of the
matter, and the matter's name is sealed as well, so that no file fits another hold.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping

from vorbehalt.errors import TamperError

_FIELDS = ("operator", "ref", "since")


def seal_hold(key: bytes, matter: str, said: Mapping[str, str]) -> bytes:
    """Return the file of a hold; `said` holds operator, ref and since."""
    fields = {name: said[name] for name in _FIELDS}
    return json.dumps({**fields, "mac": _mac(key, matter, fields)}).encode("ascii")


def open_hold(key: bytes | None, matter: str, data: bytes) -> dict[str, str]:
    """Return what a hold's file says; without the key it is read only. Raises TamperError."""
    try:
        raw = json.loads(data.decode("ascii"))
        fields = {name: raw[name] for name in _FIELDS}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TamperError(f"cannot be read ({type(error).__name__})") from error
    if not all(isinstance(value, str) for value in fields.values()) or not fields["since"].isdecimal():
        raise TamperError("cannot be read (no texts)")
    if key is not None and not hmac.compare_digest(str(raw.get("mac")), _mac(key, matter, fields)):
        raise TamperError("was changed: it is not what the key of the matter has sealed")
    return fields


def _mac(key: bytes, matter: str, fields: Mapping[str, str]) -> str:
    derived = hmac.digest(key, b"vb-hold-v1", "sha256")
    text = json.dumps([matter, *(fields[name] for name in _FIELDS)])
    return hmac.digest(derived, text.encode("ascii"), "sha256").hex()
