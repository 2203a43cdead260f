"""The tables of the report. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from vorbehalt.facts import Purpose
from vorbehalt.replay.drawing import bar
from vorbehalt.replay.result import CrawlerRow, Result
from vorbehalt.replay.words import ACTIONS, PURPOSES, STANDINGS, lines_without, minute, number, reason, size

_OPERATORS = 15
_CRAWLERS = 200


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table of ready HTML cells. A heading with `#` is a column of numbers."""
    numeric = [title.startswith("#") for title in head]
    titles = "".join(
        f'<th scope="col"{_CLASS if number_column else ""}>{escape(title.lstrip("#"))}</th>'
        for title, number_column in zip(head, numeric, strict=True)
    )
    body = []
    for row in rows:
        cells = [f'<th scope="row">{row[0]}</th>']
        for cell, number_column in zip(row[1:], numeric[1:], strict=True):
            kind = _CLASS if number_column else ' class="b"' if cell.startswith("<svg") or not cell else ""
            cells.append(f"<td{kind}>{cell}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>\n")
    if not body:
        return ""
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide"><table>{title}<thead><tr>{titles}</tr></thead>\n'
        f"<tbody>\n{''.join(body)}</tbody></table></div>\n"
    )


_CLASS = ' class="n"'


def by_purpose(result: Result) -> str:
    """Return who came by purpose, people included, with what would have happened to them."""
    sums: dict[Purpose, list[int]] = {}
    for row in result.crawlers:
        total = sums.setdefault(row.purpose, [0, 0, 0])
        total[0] += row.requests
        total[1] += row.bytes
        total[2] += row.refused
    if not result.requests:
        return ""
    # People are most of the traffic; measured by them no crawler would have a bar to see.
    most = max((total[0] for total in sums.values()), default=0)
    rows = []
    for purpose, (label, meaning) in PURPOSES.items():
        if purpose in sums:
            requests, taken, refused = sums[purpose]
            rows.append(_purpose_row(label, meaning, requests, taken, refused, most))
    rows.append(
        _purpose_row(
            "People and unnamed clients",
            "browsers, apps, and crawlers that give no name",
            result.people_requests,
            result.people_bytes,
            result.people_refused,
            0,
        )
    )
    head = ("What for", "#Requests", "#Delivered", "#Answered", "#Refused", "")
    return table(head, rows, "By purpose. Bars, for named clients: green would be answered, red refused.")


def _purpose_row(
    label: str, meaning: str, requests: int, taken: int, refused: int, most: int
) -> tuple[str, ...]:
    return (
        f"{escape(label)}<small>{escape(meaning)}</small>",
        number(requests),
        size(taken),
        number(requests - refused),
        number(refused),
        bar(requests - refused, refused, most),
    )


def by_operator(result: Result) -> str:
    """Return the operators that came most; tools are not listed, their makers do not run them."""
    sums: dict[str, list[int]] = {}
    names: dict[str, list[str]] = {}
    for row in result.crawlers:
        if row.operator is None:
            continue
        total = sums.setdefault(row.operator, [0, 0, 0])
        total[0] += row.requests
        total[1] += row.bytes
        total[2] += row.refused
        names.setdefault(row.operator, []).append(row.token)
    ordered = sorted(sums.items(), key=lambda item: (-item[1][0], item[0]))
    most = max((total[0] for _, total in ordered), default=0)
    rows = [
        (
            f"{escape(operator)}<small>{escape(_listed(names[operator]))}</small>",
            number(requests),
            size(taken),
            number(requests - refused),
            number(refused),
            bar(requests - refused, refused, most),
        )
        for operator, (requests, taken, refused) in ordered[:_OPERATORS]
    ]
    left = len(ordered) - len(rows)
    caption = "By operator, as the clients name themselves." + (
        f" {left} more are in the full list." if left > 0 else ""
    )
    return table(("Operator", "#Requests", "#Delivered", "#Answered", "#Refused", ""), rows, caption)


def _listed(names: Sequence[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def every_crawler(result: Result, only: Sequence[CrawlerRow] | None = None) -> str:
    """Return all product tokens found (or only these), with standing and outcome."""
    chosen = result.crawlers if only is None else only
    rows = []
    for row in chosen[:_CRAWLERS]:
        who = row.operator or (f"anybody; made by {row.maker}" if row.maker else "anybody")
        if row.is_impostor:
            who = "impostors, not counted against the operator"
        rows.append(
            (
                f"{escape(row.token)}<small>{escape(who)}</small>",
                escape(PURPOSES[row.purpose][0])
                + ("" if row.basis == "operator" else "<small>by others' account</small>"),
                number(row.requests),
                size(row.bytes),
                number(row.robots_fetches) if row.robots_fetches else "–",
                number(row.disallowed) if row.disallowed else "–",
                escape(_counted(row.standings, STANDINGS)),
                _outcome(row),
            )
        )
    head = (
        "Crawler",
        "What for",
        "#Requests",
        "#Delivered",
        "#robots.txt read",
        "#Disallowed",
        "How sure",
        "What would happen",
    )
    return table(head, rows)


def _counted(counts: dict[str, int], words: dict[str, str]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    if len(ordered) == 1:
        return words[ordered[0][0]]
    return ", ".join(f"{words[key]} ({number(count)})" for key, count in ordered)


def _outcome(row: CrawlerRow) -> str:
    ordered = sorted(row.actions.items(), key=lambda item: -item[1])
    if len(ordered) == 1:
        text = f"always {ACTIONS[ordered[0][0]][0]}"
    else:
        text = ", ".join(f"{ACTIONS[action][0]} ({number(count)})" for action, count in ordered)
    why = ", ".join(reason(code) for code in sorted(row.reasons, key=lambda code: -row.reasons[code])[:2])
    return escape(text) + (f"<small>{escape(why)}</small>" if why else "")


def refused_pages(result: Result) -> str:
    """Return the paths refused most."""
    rows = [(f"<span>{escape(path)}</span>", number(count)) for path, count in result.refused_paths]
    return table(("Page", "#Refusals"), rows)


def samples(result: Result) -> str:
    """Return requests without a claim that would have been refused, to be looked at by hand."""
    rows = [
        (
            escape(minute(sample.at)),
            escape(sample.path),
            f'<span class="ua">{escape(sample.user_agent) or "(none)"}</span>',
            escape(f"{ACTIONS[sample.action][0]}: {reason(sample.reason)}"),
        )
        for sample in result.people_samples
    ]
    return table(("Time (UTC)", "Page", "User-Agent", "What would happen"), rows)


def bad_lines(result: Result) -> str:
    """Return how many lines hold no request, why, and the first of each kind."""
    if not result.skipped:
        return ""
    why = "".join(f"<li>{number(count)}: {escape(text)}</li>\n" for text, count in result.bad_reasons.items())
    rows = [
        (
            escape(f"{bad.file}, line {number(bad.line)}"),
            escape(bad.reason),
            f'<span class="ua">{escape(bad.excerpt)}</span>',
        )
        for bad in result.bad_lines
    ]
    return (
        f"<p>{lines_without(result.skipped, result.lines)}. Such lines count nowhere else.</p>\n"
        f"<ul>\n{why}</ul>\n" + table(("Where", "Why", "How it begins"), rows)
    )
