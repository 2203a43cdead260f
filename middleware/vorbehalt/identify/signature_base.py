"""The signature base: what was signed, rebuilt from the request as it was sent (RFC 9421 section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote

from vorbehalt.facts import Headers, Visit, host_name
from vorbehalt.identify.structured import (
    Bare,
    InnerList,
    Item,
    parse_dictionary,
    parse_item,
    serialize_dictionary,
    serialize_member,
)

_DEFAULT_PORTS: Final = {"https": ":443", "http": ":80"}
_AUTHORITY: Final = re.compile(r"[a-z0-9._-]+(?::[0-9]{1,5})?|\[[0-9a-f:.]+\](?::[0-9]{1,5})?")
_FOLD: Final = re.compile(rb"[ \t]*\r?\n[ \t]+")
_FIELD_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_DICTIONARIES: Final = frozenset(
    {
        "accept-signature",
        "content-digest",
        "priority",
        "repr-digest",
        "signature",
        "signature-input",
        "want-content-digest",
        "want-repr-digest",
    }
)
"""Fields known to be dictionaries: only with its type can a field be written anew (`sf`)."""
_MOST_QUERY_FIELDS: Final = 256
_UNESCAPED: Final = "!'()*~"


class UnknownComponent(ValueError):
    """A covered component that this code cannot rebuild; says nothing about the signature."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request as its sender knew it.

    `authority` is lower case without default port, `path` and `query` raw; `query` is None where there was
    no question mark.
    """

    method: str
    scheme: str
    authority: str
    path: str
    query: str | None
    headers: Headers

    @classmethod
    def of(cls, visit: Visit) -> Message:
        """Return the message of a visit, with host and scheme from trusted places only.

        The host is the one that the site was found by; its port comes from the header that named it. A
        scheme is believed from X-Forwarded-Proto where the address is (a trusted proxy): proxies end TLS.
        """
        scheme = {"ws": "http", "wss": "https"}.get(visit.scheme, visit.scheme)
        if visit.vantage != "forward-auth" and visit.client.source == "proxy-asserted":
            told = _last(visit.header(b"x-forwarded-proto")).lower()
            scheme = told if told in ("http", "https") else scheme
        path, mark, query = visit.target.decode("latin-1").partition("?")
        if not path.startswith("/"):
            path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*", "", path) or "/"
        return cls(
            method=visit.method,
            scheme=scheme,
            authority=normal_authority(_authority(visit), scheme),
            path=path,
            query=query if mark else None,
            headers=visit.headers,
        )

    @property
    def host(self) -> str:
        """The host without port, as other rooms name it."""
        return host_name(self.authority.encode("latin-1"))


def normal_authority(authority: str, scheme: str) -> str:
    """Return an authority in lower case and without default port (RFC 9421 section 2.2.3)."""
    return authority.lower().removesuffix(_DEFAULT_PORTS.get(scheme, "\0"))


def signature_base(covered: InnerList, message: Message) -> bytes:
    """Return the signature base (RFC 9421 section 2.5) of covered components with their parameters.

    Raises UnknownComponent for one that cannot be rebuilt here, ValueError for one that is not in the
    message or not well formed.
    """
    lines: list[str] = []
    seen: set[tuple[str, frozenset[tuple[str, Bare]]]] = set()
    for item in covered.items:
        name = item.value
        if not isinstance(name, str):
            raise ValueError("a covered component is named by something else than a string")
        identity = (name, frozenset(item.parameters.items()))
        if identity in seen:
            raise ValueError(f"covers {name!r} twice")
        seen.add(identity)
        value = _derived(name, item, message) if name.startswith("@") else _field(name, item, message)
        if not value.isascii() or not value.replace("\t", " ").isprintable():
            raise ValueError(f"the value of {name!r} is not printable ASCII")
        lines.append(f"{serialize_member(item)}: {value}")
    lines.append(f'"@signature-params": {serialize_member(covered)}')
    return "\n".join(lines).encode("ascii")


def _derived(name: str, item: Item, message: Message) -> str:
    if name == "@query-param":
        return _query_parameter(item, message)
    if item.parameters:
        raise UnknownComponent(f"{name} with parameters cannot be rebuilt")
    make = _DERIVED.get(name)
    if make is None:
        raise UnknownComponent(f"{name} is not known")
    return make(message)


def _target(message: Message) -> str:
    return message.path if message.query is None else f"{message.path}?{message.query}"


_DERIVED: Final[Mapping[str, Callable[[Message], str]]] = {
    "@method": lambda message: message.method,
    "@authority": lambda message: message.authority,
    "@scheme": lambda message: message.scheme,
    "@path": lambda message: message.path or "/",
    "@query": lambda message: f"?{message.query or ''}",
    "@request-target": _target,
    "@target-uri": lambda message: f"{message.scheme}://{message.authority}{_target(message)}",
}


def _query_parameter(item: Item, message: Message) -> str:
    """One field of the query, decoded and encoded anew (RFC 9421 section 2.2.8)."""
    wanted = item.parameters.get("name")
    if not isinstance(wanted, str) or len(item.parameters) != 1:
        raise UnknownComponent("@query-param without a name cannot be rebuilt")
    pairs = parse_qsl(
        message.query or "",
        keep_blank_values=True,
        encoding="utf-8",
        errors="strict",
        max_num_fields=_MOST_QUERY_FIELDS,
    )
    found = [value for key, value in pairs if quote(key, safe=_UNESCAPED) == wanted]
    if len(found) != 1:
        raise ValueError(f"the query holds {wanted!r} {len(found)} times, once is needed")
    return quote(found[0], safe=_UNESCAPED)


def _field(name: str, item: Item, message: Message) -> str:
    if _FIELD_NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of a header in lower case")
    wanted = name.encode("ascii")
    values = [_FOLD.sub(b" ", value).strip(b" \t") for key, value in message.headers if key == wanted]
    if not values:
        raise ValueError(f"covers {name!r}, which the request does not have")
    joined = b", ".join(values)
    parameters = dict(item.parameters)
    if not parameters:
        return joined.decode("latin-1")
    if list(parameters) == ["bs"] and parameters["bs"] is True:
        return ", ".join(serialize_member(Item(value)) for value in values)
    if list(parameters) == ["key"] and isinstance(parameters["key"], str):
        member = parse_dictionary(joined).get(parameters["key"])
        if member is None:
            raise ValueError(f"covers member {parameters['key']!r} of {name!r}, which is not there")
        return serialize_member(member)
    if list(parameters) == ["sf"] and parameters["sf"] is True:
        if name == "signature-agent" and joined.startswith(b'"'):
            return serialize_member(parse_item(joined))
        if name in _DICTIONARIES or name == "signature-agent":
            return serialize_dictionary(parse_dictionary(joined))
    raise UnknownComponent(f"{serialize_member(item)} cannot be rebuilt")


def _authority(visit: Visit) -> str:
    """The authority with its port, from the header that gave the visit its host."""
    names = (b"x-forwarded-host", b"host") if visit.vantage == "forward-auth" else (b"host",)
    for name in names:
        for key, value in visit.headers:
            text = _last(value) if key == name else ""
            if text and host_name(text.encode("latin-1")) == visit.host:
                lowered = text.lower()
                return lowered if _AUTHORITY.fullmatch(lowered) else visit.host
    return visit.host


def _last(value: bytes) -> str:
    return value.rpartition(b",")[2].strip().decode("latin-1")
