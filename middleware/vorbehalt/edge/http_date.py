"""The Date field of an answer (RFC 9110 section 6.6.1)."""

from __future__ import annotations

import time
from email.utils import formatdate


class HttpDate:
    """The Date of this second, written once for all answers in it."""

    def __init__(self) -> None:
        self._second = 0
        self._text = b""

    def now(self) -> bytes:
        """Return the value of the field."""
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True).encode()
        return self._text
