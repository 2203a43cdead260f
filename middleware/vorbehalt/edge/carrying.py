"""How an ordinary answer of the app gets the reservation headers: made once per part of the site.

For each request a method of the server's `send` is bound to it, which costs a third of a function of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from vorbehalt.reservation.headers import NAMES_LOOKED_AT, REPLACED_SPELLINGS, SectionHeaders, apply

Send = Callable[[Any], Awaitable[None]]
Carry = Callable[[Send, Any], Awaitable[None]]
"""Passes one message of the app on; `MethodType(carry, send)` is the `send` that the app is given."""


def carry_with(
    section: SectionHeaders,
    name_conflict: Callable[[bytes, bytes], None] | None,
    count_internal_error: Callable[[], None],
) -> Carry:
    """Return what adds the headers of a section to the start of an answer and leaves all else as it is."""

    ours = section.headers
    looked_at = NAMES_LOOKED_AT if section.other is not None else REPLACED_SPELLINGS

    def carry(send: Send, message: Any) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            try:
                told = message.copy()
                headers = [*(message.get("headers") or ())]
                # As `apply` has it, without the call, for nearly all answers.
                for header in headers:
                    if header[0] in looked_at:
                        headers = apply(headers, section, name_conflict)
                        break
                else:
                    headers += ours
                told["headers"] = headers
                message = told
            except Exception:
                count_internal_error()
        return send(message)

    return carry
