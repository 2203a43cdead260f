"""Pictures of the report as inline SVG, and its style sheet; no script, nothing from outside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from vorbehalt.replay.words import GROUPS, day, hour, number, span

_WIDTH = 960
_HEIGHT = 220
_LEFT = 56
_BOTTOM = 26
_HOUR = 3_600_000_000_000

STYLE = """
:root{color-scheme:light dark;--ink:#1c1b19;--soft:#5d5a54;--line:#dcd8cf;--page:#fbfaf7;--card:#fff;
--g0:#7f9bb5;--g1:#b8401a;--g2:#2f7d4f;--g3:#8c7fae;--no:#b8401a;--ok:#2f7d4f;--warn:#8a5a00;--tint:#fdf3e2}
@media(prefers-color-scheme:dark){:root{--ink:#ecebe7;--soft:#a9a59c;--line:#3a3833;--page:#171614;--card:#211f1c;
--g0:#6d88a3;--g1:#e8794f;--g2:#5fb384;--g3:#a99bd0;--no:#e8794f;--ok:#5fb384;--warn:#e0b25c;--tint:#2b2417}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1040px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}
h2{font-size:1.25rem;margin:44px 0 8px}
p{margin:6px 0 12px;max-width:74ch}
.soft,caption,figcaption{color:var(--soft)}
.lead{font-size:1.12rem;margin-top:18px}
.cards{display:grid;
grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:14px;margin:24px 0 0;padding:0;list-style:none}
.cards li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.cards b{display:block;font-size:1.75rem;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums}
.cards .no b{color:var(--no)}.cards .ok b{color:var(--ok)}.cards .warn b{color:var(--warn)}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:4px 0 8px}
th,td{text-align:left;padding:7px 12px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{color:var(--soft);font-weight:600;border-bottom-width:2px;vertical-align:bottom}
tbody th{font-weight:600}
td.n,th.n{text-align:right;white-space:nowrap;min-width:92px;padding-right:20px}
td.b{width:160px}
td.ua{font:13px/1.45 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
small{display:block;color:var(--soft);font-weight:400}
.bar{width:150px;height:12px;display:block;margin-top:5px}
.note{background:var(--tint);
border-left:4px solid var(--warn);padding:10px 16px;border-radius:4px;margin:14px 0}
.note p{margin:4px 0}
figure{margin:16px 0 0}
figure svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font-size:12px}
.key{display:flex;flex-wrap:wrap;gap:4px 20px;padding:0;margin:8px 0 0;list-style:none;font-size:.9rem}
figcaption{font-size:.9rem;margin-top:4px}
.wide+.wide{margin-top:28px}
.wide+p{margin-top:14px}
figure .key svg{display:inline-block;width:12px;height:12px;margin-right:6px;vertical-align:-1px}
.g0{fill:var(--g0)}.g1{fill:var(--g1)}.g2{fill:var(--g2)}.g3{fill:var(--g3)}.no{fill:var(--no)}.ok{fill:var(--ok)}
.rule{stroke:var(--line)}
li{margin:4px 0}
footer{margin-top:48px;border-top:1px solid var(--line);padding-top:12px;font-size:.88rem}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--page:#fff;--card:#fff;--tint:#fff;color-scheme:light;
--g0:#7f9bb5;--g1:#b8401a;--g2:#2f7d4f;--g3:#8c7fae}
body{font-size:11pt}main{max-width:none;padding:0}h2{break-after:avoid}tr,figure,.cards li{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def bar(answered: int, refused: int, most: int) -> str:
    """Return a small bar: answered requests, then refused ones; `most` is the length of the longest bar."""
    if most <= 0:
        return ""
    ok = 150 * answered / most
    no = 150 * refused / most
    return (
        '<svg class="bar" viewBox="0 0 150 12" aria-hidden="true" preserveAspectRatio="none">'
        f'<rect class="ok" width="{max(ok, 1.5 if answered else 0):.1f}" height="12"/>'
        f'<rect class="no" x="{ok:.1f}" width="{max(no, 1.5 if refused else 0):.1f}" height="12"/></svg>'
    )


def timeline(rows: Sequence[tuple[int, tuple[int, ...]]], width: int) -> str:
    """Return requests over time as stacked columns, one per `width` nanoseconds; empty without a series."""
    if len(rows) < 2:
        return ""
    first, last = rows[0][0], rows[-1][0] + width
    most = _nice(max(sum(counts) for _, counts in rows))
    plot = _HEIGHT - _BOTTOM - 8
    scale = (_WIDTH - _LEFT) / (last - first)
    column = max(width * scale - (1.0 if width * scale > 4 else 0.0), 0.8)
    parts: list[str] = []
    for tick in (0, most // 2, most):
        y = 8 + plot - plot * tick / most
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
    for start, counts in rows:
        top = 8.0 + plot
        x = _LEFT + (start - first) * scale
        # AI crawlers at the bottom: the group this is about starts from one line.
        for group in (1, 3, 2, 0):
            if counts[group]:
                high = plot * counts[group] / most
                top -= high
                parts.append(
                    f'<rect class="g{group}" x="{x:.1f}" y="{top:.1f}" width="{column:.1f}" '
                    f'height="{high:.1f}"/>'
                )
    for index in range(5):
        at = first + (last - first) * index // 4
        anchor = ("start", "middle", "middle", "middle", "end")[index]
        label = day(at) if last - first > 96 * _HOUR else hour(at)
        x = _LEFT + (at - first) * scale
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{label}</text>')
    title = f"Requests per {span(width)} from {day(first)} to {day(last - 1)}"
    totals = [sum(counts[group] for _, counts in rows) for group in range(len(GROUPS))]
    key = "".join(
        f'<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="g{group}" width="12" height="12"/>'
        "</svg>"
        f"{escape(GROUPS[group])}: {number(totals[group])}</li>"
        for group in (1, 3, 2, 0)
    )
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg><figcaption>{escape(title)} (UTC)</figcaption>"
        f'<ul class="key">{key}</ul></figure>'
    )


def _nice(value: int) -> int:
    """Return the next 1, 2 or 5 times a power of ten that is even: half of it is a whole number."""
    step = 1
    while True:
        for factor in (2, 4, 6, 10):
            if value <= factor * step:
                return factor * step
        step *= 10
