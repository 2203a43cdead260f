"""The settings as values, after reading and checking; relative paths are absolute here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from vorbehalt.errors import Problem
from vorbehalt.evidence.anchor.targets import Target
from vorbehalt.evidence.vault.retention import DEFAULTS, RECORDS, Keeping, parse_period
from vorbehalt.facts import Purpose
from vorbehalt.identify.registry import Registry
from vorbehalt.patterns.book import Book
from vorbehalt.policy.rules import Mode, Rule
from vorbehalt.reservation.terms import Terms
from vorbehalt.settings.value import ValueSettings
from vorbehalt.stores.overrides_file import NAME as OVERRIDES_NAME
from vorbehalt.stores.redis.place import RedisPlace

RecordKind = Literal["full", "rollup", "none"]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """`trusted_proxies` are networks in text; names are already resolved, but for `unix` (unix sockets)."""

    trusted_proxies: tuple[str, ...] = ()
    refresh: bool = False
    dns: bool = False
    signatures: bool = False
    ranges_hit_max_age_days: int = 30
    ranges_miss_max_age_hours: int = 24
    client_header: str = ""
    """The one header that names the visitor, in lower case; empty: X-Forwarded-For, else Forwarded."""


@dataclass(frozen=True, slots=True)
class EvidenceSettings:
    """`directory` is an absolute path, "off" or "memory:". Origin: schemeless URL that names the log."""

    directory: str
    origin: str
    reply_deadline_seconds: float = 0.25
    record: Mapping[Purpose, RecordKind] = field(default_factory=dict)
    retention: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULTS))
    """Class of openings -> period, e.g. `30d`."""
    records: str = RECORDS
    """How long a record is kept at least before `evidence prune` may take it."""
    redact: tuple[str, ...] = ()
    """Names of headers whose values lie in the vault, not in a leaf."""
    max_bytes: int = 0
    """How much the directory may take before health and `check` warn; 0: any amount."""
    query_keys: tuple[str, ...] = ()
    """Query keys whose values may stand in a leaf."""
    anchors: tuple[Target, ...] = ()

    @property
    def keeping(self) -> Keeping:
        """How the log keeps house."""
        return Keeping({name: parse_period(text) for name, text in self.retention.items()}, self.max_bytes)

    @property
    def is_kept_nowhere(self) -> bool:
        """True if no evidence lies on a disk."""
        return self.directory in ("off", "memory:")


@dataclass(frozen=True, slots=True)
class StateSettings:
    """`directory` holds the workers' metric files and locks; None: private to the process.

    `redis` is the URL of the shared counters, `secret` what the digests in their keys are made with.
    `strict`: quotas of crawlers are decided there.
    """

    redis: str | None = field(default=None, repr=False)
    directory: Path | None = None
    cluster: bool = False
    prefix: str = "vorbehalt:"
    secret: str | None = field(default=None, repr=False)
    strict: bool = False

    @property
    def place(self) -> RedisPlace:
        """Where Redis is; ValueError if it is nowhere."""
        if self.redis is None:
            raise ValueError("state.redis is not set")
        return RedisPlace(self.redis, self.cluster, self.prefix, self.secret or "")


@dataclass(frozen=True, slots=True)
class PatternsSettings:
    """How conduct is judged.

    `sees`: what the operator says of the way to us, names of `seen.NEEDS`; None: as the arrangement suggests.
    `tls_header` and `signed_in_header` are names in lower case of headers that only a trusted proxy can set.
    `enclosures` are path patterns of files that a feed offers: whoever fetches them needs no page first.
    `traps` is the prefix of the paths of trap links; empty: none are placed.
    """

    mode: Mode = "observe"
    sees: tuple[str, ...] | None = None
    tls_header: str = ""
    signed_in_header: str = ""
    enclosures: tuple[str, ...] = ()
    traps: str = ""


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """`upstream_timeout_seconds`: how long the site may take to begin an answer."""

    upstream: str | None = None
    listen: str = "127.0.0.1:8100"
    metrics_listen: str | None = None
    secret: str | None = None
    upstream_timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Everything that may differ by host. `names` are lower case, without port; () is the default host.

    `robots`: "app", "none" or "file:/absolute/path".
    """

    names: tuple[str, ...]
    terms: Terms
    robots: str
    mode: Mode
    preset: str
    rules: tuple[Rule, ...]
    """The site's own rules first, the preset's after them."""
    open_paths: tuple[str, ...] = ()
    upstream: str | None = None
    catalogue: tuple[str, ...] = ()
    """The files, absolute, that say which works lie where; read by whoever needs them, not with the rest."""
    work_patterns: tuple[str, ...] = ()
    page_template_files: tuple[str, ...] = ()
    """The files, absolute, whose text stands in `terms.page_templates`: watched like the configuration."""

    @property
    def key(self) -> str:
        """The name under which what belongs to this host is kept; empty for the default host."""
        return self.names[0] if self.names else ""


@dataclass(frozen=True, slots=True)
class Settings:
    """One whole, valid configuration. `digest` is SHA-256 hex of its effective content."""

    source: str
    digest: str
    default_host: HostSettings
    hosts: tuple[HostSettings, ...]
    """Further hosts; `default_host` serves every unknown Host."""
    registry: Registry
    rules_documents: Mapping[str, bytes]
    book: Book
    """What findings mean, weigh and need, with the thresholds of this site; its documents are the rules'."""
    network: NetworkSettings
    evidence: EvidenceSettings
    state: StateSettings
    sidecar: SidecarSettings
    patterns: PatternsSettings = field(default_factory=PatternsSettings)
    metrics_listen: str | None = None
    log_format: Literal["console", "json"] = "console"
    log_level: str = "INFO"
    log_refusals: bool = False
    warnings: tuple[Problem, ...] = ()
    ai_product_hosts: Mapping[bytes, str] = field(default_factory=dict)
    """Host of an AI product -> operator id, from rules/ai_product_hosts.toml (people who come from there)."""
    site_hosts: tuple[str, ...] = ()
    value: ValueSettings = field(default_factory=ValueSettings, repr=False)
    """The owner's prices; no part of `digest`."""

    @property
    def ranges_directory(self) -> Path | None:
        """Where fetched address lists lie; None if the state has no directory."""
        return None if self.state.directory is None else self.state.directory / "ranges"

    @property
    def overrides_file(self) -> Path | None:
        """Where pauses and spares stand; None if the state has no directory."""
        return None if self.state.directory is None else self.state.directory / OVERRIDES_NAME

    @property
    def host_names(self) -> frozenset[str]:
        """All host names that are this site's own, lower case, without port."""
        hosts = (self.default_host, *self.hosts)
        origins = (urlsplit(host.terms.origin).hostname or "" for host in hosts)
        return frozenset({*self.site_hosts, *origins, *(name for host in hosts for name in host.names)})

    """Further names of the default host, from [site] hosts; it serves every unknown Host all the same."""
