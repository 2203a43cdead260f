"""How an exchange with the site can end early."""

from __future__ import annotations


class UpstreamError(Exception):
    """The upstream did not give a whole answer; the text says how, for the log."""


class UpstreamClosed(UpstreamError):
    """The upstream closed the connection."""


class UpstreamSlow(UpstreamError):
    """The upstream took too long."""


class ClientGone(Exception):
    """The client left before the exchange was over."""
