"""The signatures that a request bears, read from its three headers (RFC 9421 section 4, RFC 9651)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from vorbehalt.facts import Headers
from vorbehalt.identify.structured import (
    Bare,
    InnerList,
    Item,
    Member,
    Token,
    parse_dictionary,
    parse_item,
)

TAG: Final = "web-bot-auth"
MOST_SIGNATURES: Final = 4
MOST_COMPONENTS: Final = 32
MOST_BYTES: Final = 4096
"""Of each of the three headers, its lines joined."""
MOST_PARTS: Final = 200
"""Members, items and parameters of each header: taking thousands apart would cost milliseconds a request."""

_INPUT: Final = b"signature-input"
_TAG: Final = f'"{TAG}"'.encode("ascii")
_MARKS: Final = (b",", b";", b" ")
_ORIGIN: Final = re.compile(r"(https://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(:[0-9]{1,5})?/?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a signature is not verified, in words."""

    outcome: Literal["invalid", "unverified"]
    how: str


@dataclass(frozen=True, slots=True)
class SignedClaim:
    """One signature with the tag `web-bot-auth`, as the headers spell it.

    `agent` is the https origin whose directory holds the key, from the member of Signature-Agent that the
    signature covers; empty if there is none. `fault` says why no more can be made of it.
    """

    label: str
    covered: InnerList
    signature: bytes
    agent: str = ""
    fault: Fault | None = None

    def text(self, name: str) -> str:
        """Return a parameter that is a string, or the empty string."""
        value = self.covered.parameters.get(name)
        return value if isinstance(value, str) else ""

    def seconds(self, name: str) -> int | None:
        """Return a parameter that is an integer."""
        value = self.covered.parameters.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def covers(self, name: str) -> bool:
        """True if a component of this name is covered."""
        return any(item.value == name for item in self.covered.items)


def is_signed(headers: Headers) -> bool:
    """True if a request bears signatures of any kind; cheap enough to be asked of every request."""
    for name, _ in headers:  # noqa: SIM110 a generator takes twice as long
        if name == _INPUT:
            return True
    return False


def read_signatures(headers: Headers) -> tuple[SignedClaim, ...]:
    """Return the Web Bot Auth signatures of a request, in order; headers that cannot be read give one fault.

    Signatures with another tag are not ours and are left out. Never raises.
    """
    if not is_signed(headers):
        return ()
    fields = [_joined(headers, name) for name in (_INPUT, b"signature", b"signature-agent")]
    if max(map(len, fields)) > MOST_BYTES:
        return (_unreadable("unverified", f"the headers are longer than {MOST_BYTES} bytes"),)
    if _TAG not in fields[0]:
        return ()
    if max(sum(map(field.count, _MARKS)) for field in fields) > MOST_PARTS:
        return (_unreadable("unverified", f"the headers have more than {MOST_PARTS} parts"),)
    try:
        inputs, signatures = parse_dictionary(fields[0]), parse_dictionary(fields[1])
    except ValueError as error:
        return (_unreadable("invalid", f"Signature-Input or Signature cannot be read: {error}"),)
    ours = [
        (label, member)
        for label, member in inputs.items()
        if isinstance(member, InnerList) and member.parameters.get("tag") == TAG
    ]
    if len(ours) > MOST_SIGNATURES:
        return (_unreadable("unverified", f"there are more than {MOST_SIGNATURES} signatures"),)
    return tuple(_claim(label, covered, signatures.get(label), fields[2]) for label, covered in ours)


def _joined(headers: Headers, name: bytes) -> bytes:
    return b", ".join([value.strip(b" \t") for key, value in headers if key == name])


def _unreadable(outcome: Literal["invalid", "unverified"], how: str) -> SignedClaim:
    return SignedClaim("", InnerList(()), b"", fault=Fault(outcome, how))


def _claim(label: str, covered: InnerList, signature: Member | None, agents: bytes) -> SignedClaim:
    value: Bare | None = signature.value if isinstance(signature, Item) else None
    claim = SignedClaim(label, covered, value if isinstance(value, bytes) else b"")
    if not isinstance(value, bytes):
        return replace(claim, fault=Fault("invalid", "Signature-Input without its Signature"))
    if len(covered.items) > MOST_COMPONENTS:
        return replace(claim, fault=Fault("unverified", f"covers more than {MOST_COMPONENTS} components"))
    try:
        found = _agent(claim, agents)
    except ValueError as error:
        return replace(claim, fault=Fault("invalid", f"Signature-Agent cannot be read: {error}"))
    return replace(claim, fault=found) if isinstance(found, Fault) else replace(claim, agent=found)


def _agent(claim: SignedClaim, field: bytes) -> str | Fault:
    """The origin of the agent that the signature covers. Raises ValueError where the header is malformed."""
    if not field:
        return Fault("unverified", "there is no Signature-Agent that says whose key it is")
    covering = [item for item in claim.covered.items if item.value == "signature-agent"]
    if not covering:
        return Fault("invalid", "does not cover Signature-Agent")
    whole = any("key" not in item.parameters for item in covering)
    if field.startswith(b'"'):
        if not whole:
            return Fault("invalid", "covers a member of Signature-Agent, which is a single string")
        return _origin(parse_item(field))
    members = parse_dictionary(field)
    names = set(members) if whole else {str(item.parameters["key"]) for item in covering}
    name = claim.label if claim.label in names else names.pop() if len(names) == 1 else ""
    member = members.get(name)
    if member is None:
        if not name:
            return Fault("unverified", "it cannot be told which member of Signature-Agent is meant")
        return Fault("invalid", "covers a member of Signature-Agent that is not there")
    kind = member.parameters.get("type", Token("directory"))
    if kind != Token("directory"):
        shown = kind.text if isinstance(kind, Token) else "of another form"
        return Fault("unverified", f"keys of type {shown} are not fetched, only directories")
    return _origin(member)


def _origin(member: Member) -> str | Fault:
    value = member.value if isinstance(member, Item) else None
    if not isinstance(value, str):
        raise ValueError("no string")
    match = _ORIGIN.fullmatch(value.lower())
    if match is None:
        return Fault("unverified", "Signature-Agent is not the https origin of a directory")
    port = match[2] or ""
    return match[1] if port == ":443" else match[1] + port
