"""Who is asked for an anchor, and how often; values that the settings make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KINDS = ("rfc3161", "witness", "copy")
Form = Literal["checkpoint", "eml"]


@dataclass(frozen=True, slots=True)
class TimeStamper:
    """An authority for time stamps (RFC 3161).

    `roots` is PEM, one or several certificates: only what chains up to one of them counts. `policy` is the
    object identifier that a token must bear, any if empty. `qualified` is the owner's statement that the
    authority is on an EU trusted list; nothing here checks that.
    """

    name: str
    url: str
    roots: str
    qualified: bool = False
    policy: str = ""
    every_seconds: float = 600.0
    kind: Literal["rfc3161"] = "rfc3161"


@dataclass(frozen=True, slots=True)
class WitnessTarget:
    """A witness: `url` is its submission prefix, `vkey` its key (type 0x04)."""

    name: str
    url: str
    vkey: str
    every_seconds: float = 600.0
    kind: Literal["witness"] = "witness"


@dataclass(frozen=True, slots=True)
class CopyTarget:
    """A folder that gets a copy of the checkpoint, bare or as a mail to send. Nothing is sent."""

    name: str
    folder: str
    form: Form = "checkpoint"
    to: str = ""
    sender: str = ""
    every_seconds: float = 86_400.0
    kind: Literal["copy"] = "copy"


Target = TimeStamper | WitnessTarget | CopyTarget
