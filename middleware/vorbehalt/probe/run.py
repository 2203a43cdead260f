"""One probe from beginning to end, apart from what is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from urllib.parse import urlsplit

from vorbehalt.engine import Engine
from vorbehalt.facts import Purpose, host_name
from vorbehalt.identify.registry import Registry
from vorbehalt.identify.tokens import TokenIndex
from vorbehalt.probe.asking import Asker, normal_url
from vorbehalt.probe.expected import Expected
from vorbehalt.probe.gather import Walk
from vorbehalt.probe.keeping import knows_document
from vorbehalt.probe.knowledge import Knowledge
from vorbehalt.probe.report import Report, conclude
from vorbehalt.reservation.vocabulary import read_vocabulary
from vorbehalt.settings import Settings, read_robots_files
from vorbehalt.stores.memory import MemoryLimits

_TRAINING = frozenset({Purpose.TRAINING, Purpose.DATASET})


def probe(
    url: str,
    asker: Asker,
    documents: Mapping[str, bytes],
    registry: Registry,
    settings: Settings | None = None,
    paths: Sequence[str] = (),
) -> Report:
    """Ask a site everything and check it. `settings` is the configuration to compare with, if there is one.

    `documents` and `registry` are those of the rules. Raises ValueError for a URL that cannot be asked,
    UnreachableError for a site that does not answer.
    """
    whole = normal_url(url)
    vocabulary, expected = read_vocabulary(documents), None
    if settings is not None:
        engine = Engine(settings, MemoryLimits(), read_robots_files(settings))
        parts = urlsplit(whole)
        plan = engine.plan(host_name(parts.netloc.encode("ascii")))
        vocabulary, expected = (
            plan.settings.terms.vocabulary,
            Expected(plan, f"{parts.scheme}://{parts.netloc}"),
        )
    claim = TokenIndex(registry).claim(asker.user_agent.encode("utf-8", "replace"))
    knowledge = Knowledge(
        training_tokens=registry.robots_tokens(_TRAINING),
        claims_crawler=claim is not None and claim.crawler.kind == "crawler",
        was_served=_remembers(settings),
    )
    started = time_ns()
    gathered = Walk(whole, asker, vocabulary, expected, paths).run()
    return conclude(whole, asker.user_agent, gathered, knowledge, started, time_ns())


def _remembers(settings: Settings | None) -> Callable[[str], bool]:
    return lambda digest: settings is not None and knows_document(settings, digest)
