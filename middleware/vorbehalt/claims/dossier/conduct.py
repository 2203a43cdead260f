"""How clients went on after they were refused: by pseudonym within a month, in the order of the log. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vorbehalt.claims.dossier.contents_parts import (
    AfterRefusal,
    Counts,
    Return,
)
from vorbehalt.claims.ledger_text import moment

MOST_LISTED = 200
MINUTE, HOUR, DAY = (seconds * 10**9 for seconds in (60, 3_600, 86_400))


@dataclass(slots=True)
class _Client:
    requests: int = 0
    refused: int = 0
    refused_at: int | None = None
    after: int = 0
    soon: int | None = None
    """Nanoseconds from its first refusal to the next request."""
    last: int = 0


class Refusals:
    """About 200 bytes a client. Impostors are not asked about: `take` is not called for them."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str, str], _Client] = {}
        self._recent: dict[str, tuple[int, str]] = {}
        self._others: dict[str, int] = {}

    def take(self, group: str, month: str, pseudonym: str, at: int, refused: bool) -> bool:
        """Take a request; True if it follows a refusal of the same client."""
        key = (group, month, pseudonym)
        client = self._clients.get(key)
        if client is None:
            client = self._clients[key] = _Client()
            self._first_seen(group, pseudonym, at)
        client.requests += 1
        client.last = max(client.last, at)
        is_after = client.refused_at is not None
        if client.refused_at is not None:
            client.after += 1
            if client.soon is None:
                client.soon = max(0, at - client.refused_at)
        if refused:
            client.refused += 1
            if client.refused_at is None:
                client.refused_at = at
            self._recent[group] = (at, pseudonym)
        return is_after

    def _first_seen(self, group: str, pseudonym: str, at: int) -> None:
        refused_at, refused = self._recent.get(group, (0, pseudonym))
        if refused != pseudonym and 0 <= at - refused_at <= HOUR:
            self._others[group] = self._others.get(group, 0) + 1

    def summary(self, group: str, after: Counts) -> AfterRefusal:
        """Return the sums of a group; `after` are the counts of all its requests after a refusal."""
        clients = [client for key, client in self._clients.items() if key[0] == group]
        back = [client.soon for client in clients if client.soon is not None]
        return AfterRefusal(
            group=group,
            clients=len(clients),
            refused_clients=sum(client.refused > 0 for client in clients),
            came_back=len(back),
            requests_after=after.requested,
            delivered_after=after.delivered,
            within_minute=sum(soon <= MINUTE for soon in back),
            within_hour=sum(soon <= HOUR for soon in back),
            within_day=sum(soon <= DAY for soon in back),
            other_addresses=self._others.get(group, 0),
        )

    def returns(self) -> Iterator[Return]:
        """Yield the clients that came back, most requests after a refusal first, at most 200."""
        back = [(key, client) for key, client in self._clients.items() if client.after]
        back.sort(key=lambda item: (-item[1].after, item[0]))
        for (group, month, pseudonym), client in back[:MOST_LISTED]:
            seconds = None if client.soon is None else client.soon // 10**9
            yield Return(
                group, pseudonym, month, client.requests, client.refused, client.after, seconds,
                moment(client.refused_at or 0), moment(client.last),
            )  # fmt: skip
