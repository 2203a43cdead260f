"""TOML, mapping and environment to Settings: everything that is wrong is found at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import vorbehalt_rules
from vorbehalt.errors import ConfigError, RulesError
from vorbehalt.identify.registry import Registry
from vorbehalt.patterns.book import Book, read_book
from vorbehalt.policy.tables import Flaw, Table
from vorbehalt.reservation.vocabulary import SILENT, Vocabulary, read_vocabulary
from vorbehalt.settings.digest import digest
from vorbehalt.settings.hosts import HostReader, ReadHost
from vorbehalt.settings.lint import lint_host, lint_terms
from vorbehalt.settings.model import Settings
from vorbehalt.settings.patterns import read_patterns
from vorbehalt.settings.rooms import (
    read_evidence,
    read_log,
    read_metrics,
    read_network,
    read_sidecar,
)  # fmt: skip
from vorbehalt.settings.source import Source, read_source
from vorbehalt.settings.state import read_state
from vorbehalt.settings.value import read_value
from vorbehalt.settings.values import resolved

FORMAT = 1
Rules = tuple[Mapping[str, bytes], Registry]
RulesLoader = Callable[[Path | None], Rules]

_last_rules: tuple[dict[str, bytes], Registry] | None = None
_last_book: tuple[Mapping[str, bytes], Book] | None = None


def load(
    config: str | Path | Mapping[str, object] | Settings,
    *,
    environ: Mapping[str, str] | None = None,
    rules: RulesLoader | None = None,
    now: datetime | None = None,
) -> Settings:
    """Read and check a configuration: the path of a TOML file, a mapping of the same keys, or Settings.

    `environ` (default: the process's) overrides single keys: `VORBEHALT_POLICY__MODE=observe`. `rules` gives
    documents and registry for an overlay folder. `now` is only used to say which rules have ended.
    Raises ConfigError with all problems; what is no error stands in `warnings` of the result.
    """
    if isinstance(config, Settings):
        return config
    source = read_source(config, os.environ if environ is None else environ)
    flaws: list[Flaw] = []
    root = Table(source.data, "", flaws)
    if root.raw("format") is None:
        root.flaw("format", "V006", "format is missing; begin the configuration with format = 1")
    elif root.raw("format") != FORMAT or isinstance(root.raw("format"), bool):
        root.flaw("format", "V006", "this version reads format = 1")
    documents, registry = _read_rules(root.table("rules"), source, rules or load_rules)
    vocabulary = _read_vocabulary(root, documents)
    book = _read_book(root, documents)
    settings, hosts = _read(root, source, documents, registry, vocabulary, book)
    if registry is not None:
        moment = now or datetime.now(UTC)
        for host in hosts:
            flaws += lint_host(host, registry, documents, moment)
    if not source.sort(flaws)[0]:
        # Only of terms that are well formed it can be said whether all channels agree on them.
        flaws += [flaw for host in hosts for flaw in lint_terms(host)]
    errors, warnings = source.sort(flaws)
    if errors or settings is None:
        raise ConfigError(errors)
    return replace(settings, warnings=tuple(warnings))


def load_rules(path: Path | None) -> Rules:
    """Load the rules that are shipped, overlaid by a folder. RulesError or ValueError say what is wrong."""
    global _last_rules
    documents = vorbehalt_rules.documents(None if path is None else str(path))
    # A configuration is read again every time it changes, the rules hardly ever do.
    if _last_rules is None or _last_rules[0] != documents:
        _last_rules = (documents, Registry.from_documents(documents, vorbehalt_rules.__version__))
    return MappingProxyType(_last_rules[0]), _last_rules[1]


def _read_rules(
    table: Table, source: Source, loader: RulesLoader
) -> tuple[Mapping[str, bytes], Registry | None]:
    text = table.text("path")
    table.finish()
    try:
        return loader(resolved(source.base, text) if text else None)
    except (RulesError, ValueError, OSError) as error:
        for line in str(error).splitlines():
            table.flaw("path" if text else "", "V025", line)
        return {}, None


def _read_vocabulary(root: Table, documents: Mapping[str, bytes]) -> Vocabulary:
    try:
        return read_vocabulary(documents) if documents else SILENT
    except RulesError as error:
        for line in str(error).splitlines():
            root.flaw("rules", "V025", line)
        return SILENT


def _read_book(root: Table, documents: Mapping[str, bytes]) -> Book | None:
    global _last_book
    if not documents:
        return None
    try:
        if _last_book is None or _last_book[0] != documents:
            _last_book = (documents, read_book(documents))
        return _last_book[1]
    except RulesError as error:
        for line in str(error).splitlines():
            root.flaw("rules", "V025", line)
        return None


def _read(
    root: Table,
    source: Source,
    documents: Mapping[str, bytes],
    registry: Registry | None,
    vocabulary: Vocabulary,
    book: Book | None,
) -> tuple[Settings | None, tuple[ReadHost, ...]]:
    sidecar = read_sidecar(root.table("sidecar"))
    patterns, book = read_patterns(root.table("patterns"), book)
    reader = HostReader(root, source.base, documents, vocabulary, patterns, root.flaws)
    default = reader.read_default(sidecar.upstream)
    further = reader.read_further(default)
    evidence = read_evidence(root.table("evidence"), source.base, default.settings.terms.origin)
    network = read_network(root.table("network"), documents)
    kept = None if evidence.is_kept_nowhere else Path(evidence.directory)
    state = read_state(root.table("state"), source.base, kept)
    metrics_listen = read_metrics(root.table("metrics")) or sidecar.metrics_listen
    log_format, log_level, log_refusals = read_log(root.table("log"))
    hosts = (default, *further)
    value = read_value(root.table("value"), has_catalogue=any(host.settings.catalogue for host in hosts))
    root.finish()
    if registry is None or book is None:
        return None, hosts
    effective = (
        [host.settings for host in hosts], reader.site_hosts, network, evidence, state, sidecar,
        patterns, book.levels, metrics_listen, log_format, log_level, log_refusals, registry.digest,
    )  # fmt: skip
    settings = Settings(
        source=source.path,
        digest=digest(effective),
        default_host=default.settings,
        hosts=tuple(host.settings for host in further),
        registry=registry,
        book=book,
        rules_documents=documents,
        network=network,
        evidence=evidence,
        state=state,
        sidecar=sidecar,
        patterns=patterns,
        metrics_listen=metrics_listen,
        log_format=log_format,
        log_level=log_level,
        log_refusals=log_refusals,
        ai_product_hosts=_ai_product_hosts(root, documents),
        site_hosts=reader.site_hosts,
        value=value,
    )
    return settings, hosts


def _ai_product_hosts(root: Table, documents: Mapping[str, bytes]) -> Mapping[bytes, str]:
    name = "ai_product_hosts.toml"
    body = documents.get(name)
    if body is None:
        return {}
    try:
        rows = tomllib.loads(body.decode())["host"]
        return MappingProxyType({row["name"].lower().encode("ascii"): str(row["operator"]) for row in rows})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        root.flaw("rules", "V025", f"{name} is malformed: {error}")
        return {}
