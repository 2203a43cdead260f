"""What a probe knows besides the answers: crawlers by name, and what the evidence has seen before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Knowledge:
    """`training_tokens` are robots.txt tokens of crawlers that gather training data.

    `claims_crawler`: the probe asked under the name of a known crawler, whom a site may refuse.
    `was_served(digest)` is True if the evidence holds a document with this SHA-256.
    """

    training_tokens: tuple[str, ...] = ()
    claims_crawler: bool = False
    was_served: Callable[[str], bool] = lambda digest: False
