"""From a claim to a standing: what the client says, and what could be established about it."""

from __future__ import annotations

from dataclasses import dataclass

from vorbehalt.facts import Purpose, Standing
from vorbehalt.identify.registry import Crawler


@dataclass(frozen=True, slots=True)
class Claim:
    """What a client says it is: the most specific product token found in its User-Agent.

    `others` are further tokens that matched, less specific ones last.
    """

    crawler: Crawler
    others: tuple[Crawler, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """What could be established about a claim. No claim: no identity.

    `how` says in words on what the standing rests, with the age and version of the data used.
    """

    crawler: Crawler
    standing: Standing
    how: str

    @property
    def token(self) -> str:
        return self.crawler.token

    @property
    def operator(self) -> str | None:
        return self.crawler.operator

    @property
    def purpose(self) -> Purpose:
        return self.crawler.purpose
