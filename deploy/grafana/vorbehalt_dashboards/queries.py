"""PromQL that several panels share. Everywhere `$instance` is the servers that the reader chose."""

from __future__ import annotations

AI = "training|dataset|search|user-fetch|agent|undocumented"
"""Purposes of AI crawlers."""
HERE = 'instance=~"$instance"'
SIDE = "on (job, instance)"


def series(name: str, *matchers: str) -> str:
    """A selector of one metric on the chosen servers."""
    return f"{name}{{{', '.join((*matchers, HERE))}}}"


def counted(name: str, *matchers: str, by: str = "", where: str = "") -> str:
    """What was counted within the time range of the dashboard, summed by labels.

    `increase` sees only the steps between two scrapes. A series that is born in the range, such as the first
    impostor ever, comes with its first value, which is added here: the least value of every series that
    has fewer samples than there were scrapes. `where` is appended to each part (`and on (crawler) ...`).
    """
    chosen = f"{series(name, *matchers)}[$__range]"
    scrapes = f"sum_over_time({series('up')}[$__range])"
    born = f"min_over_time({chosen}) and (count_over_time({chosen}) < {SIDE} group_left () {scrapes})"
    grown = f"increase({chosen})"
    if where:
        grown, born = f"({grown} {where})", f"({born}) {where}"
    grouped = f"sum by ({by})" if by else "sum"
    return f'{grouped} ({grown} or label_replace({born}, "born", "yes", "", ""))'


def rate(name: str, *matchers: str, by: str) -> str:
    """Per second, over time."""
    return f"sum by ({by}) (rate({series(name, *matchers)}[$__rate_interval]))"


def or_none(query: str) -> str:
    """The same, and 0 where nothing was ever counted."""
    return f"{query} or vector(0)"


def largest(count: int, query: str) -> str:
    """The largest of what is above 0."""
    return f"topk({count}, {query} > 0)"


def first_seen(selector: str, what: str, value: str, host: str = "") -> str:
    """When each value of an info metric was first seen within the range, milliseconds; for a table."""
    named = f'label_replace({selector}, "what", "{what}", "", "")'
    named = f'label_replace({named}, "value", "$1", "{value}", "(.{{0,12}}).*")'
    if not host:
        named = f'label_replace({named}, "host", "all", "", "")'
    return f"min by (what, host, value) (min_over_time(timestamp({named})[$__range:$__interval])) * 1000"


PROTECTION = (
    f"min(({series('vorbehalt_mode', 'mode=' + chr(34) + 'enforce' + chr(34))} + 1)"
    f" * {SIDE} group_left () (1 - {series('vorbehalt_paused')}))"
)
"""0 paused, 1 observing (on one host at least), 2 on."""

SEARCH_ENGINES_REFUSED = ('purpose="search-engine"', 'action!="allow"', 'standing!="contradicted"')
PEOPLE_AFFECTED = ('purpose="none"', 'action!="allow"')
