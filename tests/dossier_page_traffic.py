"""The sections of a full dossier that count requests: 61 days, robots.txt, refusals, a letter."""

from __future__ import annotations

from datetime import date, timedelta

from dossier_page_parts import GRADES, counts, digest
from vorbehalt.claims.dossier import contents as c
from vorbehalt.claims.dossier import contents_parts as p
from vorbehalt.claims.dossier import contents_told as told


def traffic() -> c.Traffic:
    days = []
    for n in range(61):
        day = (date(2026, 9, 1) + timedelta(days=n)).isoformat()
        if 20 <= n <= 22:
            continue
        asked = 300 + (n * 97) % 800
        days.append(
            p.Day(day, "verified", counts(asked, asked * 6 // 10, asked * 3 // 10, 12, asked * 150_000))
        )
        if n % 3 == 0:
            days.append(p.Day(day, "signed", counts(40, 10, 30, 0, 900_000)))
        days.append(p.Day(day, "claimed", counts(30 + n % 9, 30)))
        days.append(p.Day(day, "contradicted", counts(7, 7)))
    return c.Traffic(
        tuple(days),
        (
            told.Rollup("2026-10-09", "verified", 1_200, 1_100, 40_000),
            told.Rollup("2026-10-09", "claimed", 90, 90, 0),
        ),
        False,
        (("label.example", 48_000, 2_000), ("www.label.example", 211, 118)),
        (("", counts(48_000, 31_000, 15_880), counts(2_000)), ("press", counts(211, 7, 10), counts(118))),
        (("app", 48_200, 2_118), ("forward-auth", 11, 0)),
        2,
        5,
        0,
        1_744,
    )


def grades(total: p.Counts, described: p.Counts, impostors: p.Counts) -> tuple[p.Grade, ...]:
    some = {
        "verified": total,
        "claimed": described,
        "contradicted": impostors,
        "signed": counts(800, 200, 600),
    }
    return tuple(
        p.Grade(
            *grade,
            some.get(grade[0], p.Counts()),
            (("GPTBot", 40_000), ("OAI-SearchBot", 8_211)),
            (
                ("20.171.207.0/24 in openai-gptbot.json of 2026-10-01, fetched 3 hours before", 30_000),
                ("20.171.207.0/24 in openai-gptbot.json of 2026-09-14, fetched 11 hours before", 18_211),
            ),
            12,
        )
        for grade in GRADES
    )


def robots() -> c.Robots:
    version, older = digest("/robots.txt"), digest("older")
    rows = (
        p.RobotsRow(
            "attributed",
            "GPTBot",
            version,
            False,
            "Disallow: /",
            14,
            "GPTBot",
            version,
            None,
            "",
            True,
            True,
            False,
            counts(31_000, 30_500, 450),
        ),
        p.RobotsRow(
            "attributed",
            "GPTBot",
            version,
            False,
            "Disallow: /",
            14,
            "GPTBot",
            older,
            True,
            "",
            True,
            True,
            False,
            counts(100, 90, 10),
        ),
        p.RobotsRow(
            "attributed",
            "GPTBot",
            version,
            False,
            "Disallow: /",
            14,
            "GPTBot",
            "none",
            None,
            "VT-2026-4",
            True,
            False,
            False,
            counts(120, 0, 120),
        ),
        p.RobotsRow(
            "attributed",
            "OAI-SearchBot",
            version,
            True,
            "",
            None,
            "",
            version,
            None,
            "",
            True,
            False,
            False,
            counts(8_211, 0, 8_000),
        ),
        p.RobotsRow(
            "described",
            "GPTBot",
            version,
            False,
            "Disallow: /",
            14,
            "GPTBot",
            "unknown",
            None,
            "",
            True,
            True,
            False,
            counts(2_118, 2_100, 18),
        ),
    )
    return c.Robots(rows, 31_100, 2_118, 9)


def conduct() -> c.Conduct:
    return c.Conduct(
        (
            p.AfterRefusal("attributed", 212, 198, 190, 30_800, 112, 150, 180, 190, 44),
            p.AfterRefusal("described", 30, 30, 4, 60, 0, 1, 2, 4, 9),
        ),
        tuple(
            p.Return(
                "described" if n % 9 == 0 else "attributed",
                digest(str(n))[:32],
                "2026-10",
                400 - n,
                300 - n,
                299 - n,
                None if n == 7 else n,
                "2026-10-01T00:10:00Z",
                "2026-10-30T23:59:00Z",
            )
            for n in range(40)
        ),
        (
            ("block", "preset:training", "reservation", 31_007, 2_100),
            ("allow", "preset:search", "", 17_204, 18),
        ),
    )


def notice() -> p.AfterNotice:
    steps = tuple(
        p.NoticeStep(name, f"{day}T09:00:00Z", day, note, digest(name), 600_000 + n)
        for n, (name, day, note) in enumerate(
            (
                ("written", "2026-09-29", ""),
                ("sent", "2026-10-01", "courier, receipt 4711"),
                ("delivered", "2026-10-02", ""),
            )
        )
    )
    letter = p.NoticeLetter(
        "2026-0007",
        "factual",
        "en",
        "2026-09-29",
        "2026-10-22",
        digest("letter"),
        "R. Muster, Rechtsanwältin",
        True,
        steps,
    )
    return p.AfterNotice(
        "2026-10-01T09:00:00Z",
        (letter,),
        counts(9_114, 9_000, 112),
        counts(40, 40),
        ("isrc:DEA120000001", "isrc:DEA120000002"),
    )


def disclosures() -> tuple[p.Disclosure, ...]:
    return (
        p.Disclosure(
            2, "2026-09", "GPTBot", 20_000, ("label.example",), True, True, True, counts(24_000), counts(900)
        ),
        p.Disclosure(
            3, "2026-10", "GPTBot", None, ("other.example",), False, True, True, counts(24_211), counts(1_218)
        ),
        p.Disclosure(4, "2026", "NoSuchBot", 5, (), None, False, False, counts(0), counts(0)),
    )
