"""What answers weigh: a mean by host and section, by which refusals are estimated."""

from __future__ import annotations

from dataclasses import dataclass

from vorbehalt.engine import HostPlan

_SAMPLES = 1024


@dataclass(slots=True)
class AnswerSize:
    """A running mean of what one GET of a page weighs; the last thousand or so count. `bytes` is rounded."""

    samples: int = 0
    mean: float = 0.0
    bytes: int = 0

    def learn(self, size: int) -> None:
        """Take one whole answer into account."""
        if self.samples < _SAMPLES:
            self.samples += 1
        self.mean += (size - self.mean) / self.samples
        self.bytes = round(self.mean)


class AnswerSizes:
    """Mean sizes by host and section. Lives longer than one configuration; the keys are from closed sets."""

    def __init__(self) -> None:
        self._sizes: dict[tuple[str, str], AnswerSize] = {}

    def of(self, plan: HostPlan, section: str) -> AnswerSize:
        """Return the mean of one section, to be read or to be fed."""
        key = (plan.settings.key, section)
        found = self._sizes.get(key)
        if found is None:
            found = self._sizes[key] = AnswerSize()
        return found
