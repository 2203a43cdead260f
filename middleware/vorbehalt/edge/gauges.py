"""Gauges: how an engine is at the moment of a scrape. Nothing of this is worked out before somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily, Metric

MODES = ("enforce", "observe")
LEVELS: Mapping[str, int] = {"green": 0, "yellow": 1, "red": 2}


@dataclass(frozen=True, slots=True)
class Gauges:
    """What one live engine tells beside its counters.

    Hosts are named by their first name, `default` for the default host. Ages are seconds, times of day are
    seconds UTC since 1970. What is None is not exposed.
    """

    reservations: tuple[tuple[str, str], ...] = ()
    """Host and digest of the signals in force."""
    in_force_since: Mapping[str, float] = field(default_factory=dict)
    """Since when a host tells what it tells now."""
    modes: Mapping[str, str] = field(default_factory=dict)
    """Host to `enforce` or `observe`, as configured."""
    is_paused: bool = False
    is_disarmed: bool = False
    campaigns: int = 0
    health: str = "green"
    evidence_health: str = "green"
    rules: tuple[str, str] | None = None
    """Version and digest; None where no rules are loaded."""
    config: str = ""
    """Digest of the configuration in force."""
    software: str = ""
    crawlers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Crawler to operator ("" for a tool) and purpose, of all that are known."""
    rules_ages: Mapping[str, float] = field(default_factory=dict)
    """Age by name of address list."""
    log_size: int | None = None
    """Leaves under the last checkpoint; None where no log is kept."""
    checkpoint_age: float | None = None
    anchor_age: float | None = None


def families(told: list[Gauges], workers: int, crawlers: frozenset[str]) -> Iterator[Metric]:
    """Turn what the engines of this process tell into metrics; of several, the one in trouble counts.

    `crawlers` are those that were counted; only they are named.
    """
    yield _info(
        "vorbehalt_build_info", "Version of the software.", ("version",), {(g.software,) for g in told}
    )
    yield _info(
        "vorbehalt_config_info",
        "Digest of the configuration.",
        ("digest",),
        {(g.config,) for g in told if g.config},
    )
    yield _info(
        "vorbehalt_reservation_info",
        "Digest of the signals in force.",
        ("host", "digest"),
        {pair for gauges in told for pair in gauges.reservations},
    )
    yield _info(
        "vorbehalt_rules_info",
        "Version and digest of the rules.",
        ("version", "digest"),
        {gauges.rules for gauges in told if gauges.rules is not None},
    )
    yield _info(
        "vorbehalt_crawler_info",
        "Operator and purpose of every crawler that was counted, whoever sent the requests.",
        ("crawler", "operator", "purpose"),
        {(name, *gauges.crawlers[name]) for gauges in told for name in crawlers & gauges.crawlers.keys()},
    )
    yield _by(
        "vorbehalt_reservation_in_force_since_seconds",
        "Since when a host tells what it tells now (seconds since 1970, UTC).",
        "host",
        {host: at for gauges in told for host, at in gauges.in_force_since.items()},
    )
    mode = GaugeMetricFamily(
        "vorbehalt_mode", "1 for the configured mode of a host.", labels=("host", "mode")
    )
    for host, is_in in sorted({host: mode for gauges in told for host, mode in gauges.modes.items()}.items()):
        for name in MODES:
            mode.add_metric((host, name), int(name == is_in))
    yield mode
    yield _by(
        "vorbehalt_rules_age_seconds",
        "Age of an address list.",
        "list",
        {name: age for gauges in told for name, age in gauges.rules_ages.items()},
    )
    yield _worst("vorbehalt_paused", "1 while enforcement is paused.", [int(g.is_paused) for g in told])
    yield _worst(
        "vorbehalt_disarmed",
        "1 while impostors are only observed, because too many search engines look like some.",
        [int(g.is_disarmed) for g in told],
    )
    yield _worst(
        "vorbehalt_campaigns",
        "Campaigns that run: fleets of one request per address, as a hypothesis.",
        [g.campaigns for g in told],
    )
    yield _worst("vorbehalt_health", "0 green, 1 yellow, 2 red.", [LEVELS.get(g.health, 2) for g in told])
    yield _worst(
        "vorbehalt_evidence_health",
        "The same of the evidence alone.",
        [LEVELS.get(g.evidence_health, 2) for g in told],
    )
    yield _worst(
        "vorbehalt_evidence_log_size",
        "Leaves under the last checkpoint.",
        [g.log_size for g in told if g.log_size is not None],
    )
    yield _worst(
        "vorbehalt_evidence_checkpoint_age_seconds",
        "Seconds since the log last grew.",
        [g.checkpoint_age for g in told if g.checkpoint_age is not None],
    )
    yield _worst(
        "vorbehalt_evidence_anchor_age_seconds",
        "Seconds since the last anchor.",
        [g.anchor_age for g in told if g.anchor_age is not None],
    )
    yield _worst("vorbehalt_workers", "Processes whose counters are summed here.", [workers] if told else [])


def _info(name: str, text: str, labels: tuple[str, ...], rows: set[tuple[str, ...]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for row in sorted(rows):
        family.add_metric(row, 1)
    return family


def _by(name: str, text: str, label: str, rows: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value, number in sorted(rows.items()):
        family.add_metric((value,), number)
    return family


def _worst(name: str, text: str, values: list[int] | list[float]) -> Metric:
    family = GaugeMetricFamily(name, text)
    if values:
        family.add_metric((), max(values))
    return family
