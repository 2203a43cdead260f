"""The text that Prometheus reads: what all workers counted, and gauges. Labels are from closed sets."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from vorbehalt.edge.gauges import Gauges, families
from vorbehalt.stores.counters import FAMILIES, Counters

log = logging.getLogger("vorbehalt")

HELP: Mapping[str, str] = {
    "vorbehalt_requests_total": "Requests by what was done and by purpose of the crawler (none: no claim).",
    "vorbehalt_would_total": "Requests by what policy says; differs from requests_total while observing.",
    "vorbehalt_crawler_requests_total": "Requests of clients that claim to be a crawler.",
    "vorbehalt_crawler_delivered_total": "Answers with content that crawlers were given whole.",
    "vorbehalt_crawler_delivered_bytes_total": "Bytes of content handed over to crawlers.",
    "vorbehalt_crawler_signals_total": "Signal documents fetched by claimed crawlers.",
    "vorbehalt_robots_violations_total": (
        "Requests in the name of a crawler for paths that robots.txt closes to it."
    ),
    "vorbehalt_section_requests_total": "Requests by section of the reservation.",
    "vorbehalt_findings_total": "Findings by detector.",
    "vorbehalt_referrals_total": "People who arrived from an AI product.",
    "vorbehalt_refused_bytes_estimated_total": (
        "Bytes that refusals saved, estimated from the mean answer of the section."
    ),
    "vorbehalt_evidence_records_total": "Records made durable by type.",
    "vorbehalt_evidence_lost_total": "Records lost, or late for their answer, by reason.",
    "vorbehalt_upstream_retries_total": "Requests sent to the site again on a fresh connection.",
    "vorbehalt_store_errors_total": "Failures of shared counters.",
    "vorbehalt_internal_errors_total": "Failures of our own; the requests went on without us.",
}
"""Help of every counter that is exposed as it is kept."""

_BUCKETS = 24


class MetricsSource(Protocol):
    """What a live engine tells beside its counters. Every method may be called from any thread."""

    @property
    def counters(self) -> Counters: ...

    def gauges(self) -> Gauges:
        """How it is at this moment. May block on the disk."""
        ...

    def records(self) -> Mapping[str, int]:
        """Records that this process made durable, by type."""
        ...

    def lost(self) -> Mapping[str, int]:
        """Records that this process lost, by reason."""
        ...


_sources: weakref.WeakSet[MetricsSource] = weakref.WeakSet()
_mirrored: weakref.WeakKeyDictionary[MetricsSource, dict[tuple[str, str], int]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def register(source: MetricsSource) -> None:
    """Expose a live engine until it is unregistered or gone."""
    with _lock:
        _sources.add(source)


def unregister(source: MetricsSource) -> None:
    """Stop exposing an engine; idempotent."""
    with _lock:
        _sources.discard(source)


def renew(source: MetricsSource) -> None:
    """Note that the evidence of an engine was opened anew and counts from zero."""
    with _lock:
        _mirrored.pop(source, None)


def sync(source: MetricsSource) -> None:
    """Carry what the evidence of this process counted into the shared counters.

    To be called every few seconds and before the counters are closed: a scrape that another worker answers
    reads only the shared ones.
    """
    with _lock:
        seen = _mirrored.setdefault(source, {})
        for name, values in (
            ("vorbehalt_evidence_records_total", source.records()),
            ("vorbehalt_evidence_lost_total", source.lost()),
        ):
            for label, value in values.items():
                before = seen.get((name, label), 0)
                # Less than before means that the evidence was opened anew and counts from zero.
                step = value - before if value >= before else value
                seen[name, label] = value
                if step:
                    source.counters.inc(name, (label,), step)


class _Collector:
    """Reads all live engines of this process at every scrape."""

    def collect(self) -> Iterator[Metric]:
        with _lock:
            sources = list(_sources)
        for source in sources:
            _guarded(source, lambda source=source: sync(source))  # type: ignore[misc]
        totals = _totals([source.counters for source in sources])
        by_name: dict[str, list[tuple[tuple[str, ...], int]]] = {}
        for (name, labels), value in totals.items():
            if len(labels) == len(FAMILIES.get(name, ())):
                by_name.setdefault(name, []).append((labels, value))
        for name, text in HELP.items():
            counter = CounterMetricFamily(name.removesuffix("_total"), text, labels=FAMILIES[name])
            rows = by_name.get(name, [] if FAMILIES[name] else [((), 0)])
            for labels, value in sorted(rows):
                counter.add_metric(labels, value)
            yield counter
        yield _decisions(by_name)
        yield from _gauges(sources, by_name)


def _totals(all_counters: list[Counters]) -> dict[tuple[str, tuple[str, ...]], int]:
    totals: dict[tuple[str, tuple[str, ...]], int] = {}
    read: set[Path] = set()
    for counters in all_counters:
        if counters.is_shared and counters.directory is not None:
            if counters.directory in read:
                continue
            read.add(counters.directory)
        for key, value in counters.snapshot().items():
            totals[key] = totals.get(key, 0) + value
    return totals


def _decisions(by_name: Mapping[str, list[tuple[tuple[str, ...], int]]]) -> HistogramMetricFamily:
    """Bucket k holds what took less than 2**k microseconds and not less than half of that."""
    counts = [0] * _BUCKETS
    for labels, value in by_name.get("vorbehalt_decision_seconds", []):
        if labels[0].isdigit():
            counts[min(int(labels[0]), _BUCKETS - 1)] += value
    buckets: list[tuple[str, float]] = []
    total = 0
    for power, count in enumerate(counts[:-1]):
        total += count
        buckets.append((repr(2**power / 1e6), total))
    buckets.append(("+Inf", total + counts[-1]))
    nanoseconds = sum(value for _, value in by_name.get("vorbehalt_decision_nanoseconds", []))
    family = HistogramMetricFamily(
        "vorbehalt_decision_seconds",
        "Time spent on deciding about a request; of ordinary visitors, one of 16 is timed for all.",
    )
    family.add_metric([], buckets, sum_value=nanoseconds / 1e9)
    return family


def _gauges(
    sources: list[MetricsSource], by_name: Mapping[str, list[tuple[tuple[str, ...], int]]]
) -> Iterator[Metric]:
    told: list[Gauges] = []
    workers = 0
    for counters in {source.counters.directory or id(source): source.counters for source in sources}.values():
        workers += counters.workers()
    for source in sources:
        _guarded(source, lambda source=source: told.append(source.gauges()))  # type: ignore[misc]
    crawlers = frozenset(
        labels[0]
        for name, rows in by_name.items()
        if FAMILIES.get(name, ())[:1] == ("crawler",)
        for labels, _ in rows
    )
    yield from families(told, workers, crawlers)


def _guarded(source: MetricsSource, step: Callable[[], None]) -> None:
    """One engine that cannot answer must not hide the numbers of the others."""
    try:
        step()
    except Exception:
        source.counters.inc("vorbehalt_internal_errors_total")
        log.exception("an engine could not tell its metrics")


def _after_fork() -> None:
    # Another thread of the parent may have held it, and will never let go of it here.
    global _lock
    _lock = threading.Lock()
    # The evidence of a child is its own and counts from zero.
    _mirrored.clear()


os.register_at_fork(after_in_child=_after_fork)

_registry = CollectorRegistry(auto_describe=False)
_registry.register(_Collector())


def exposition() -> bytes:
    """Return the metrics of all live engines as text. Blocks on files, raises StoreError if they fail."""
    return generate_latest(_registry)
