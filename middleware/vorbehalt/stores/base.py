"""What a store of limits must do."""

from __future__ import annotations

from typing import Protocol

from vorbehalt.policy.rules import Quota
from vorbehalt.policy.verdict import Allowance


class LimitStore(Protocol):
    """Charges requests to quotas. Bounded in memory; never raises; time is an argument."""

    def charge(self, key: str, quota: Quota, now: int) -> Allowance:
        """Charge one request (now: nanoseconds UTC) and say what was left."""
        ...
