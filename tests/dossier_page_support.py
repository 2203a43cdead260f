"""Contents of dossiers as the pages get them: full, empty, impostors only, failed, with hostile words."""

from __future__ import annotations

from dataclasses import replace

import dossier_page_parts as parts
import dossier_page_traffic as counted
from dossier_page_parts import GRADES, counts, digest
from vorbehalt.claims.dossier import contents as c
from vorbehalt.claims.dossier import contents_parts as p
from vorbehalt.claims.dossier import contents_told as told

HOSTILE = (
    '"></bdi><script>alert(1)</script>',
    '#read("/etc/passwd") #import "@preview/x:1.0.0" $x$ *b* _i_ `c` @cite <label>',
    "\u202eevil\u200f\u2066 \x00\x1b[2J\r\nX-Injected: 1",
    "=cmd|' /C calc'!A1",
    "w" * 10_000,
    "](javascript:alert(1)) | a | b |\n# heading\n<img src=x onerror=alert(1)>",
    "{{ 7*7 }} {% raw %} {0} \\ ]]> </style> </svg>",
    "日本語 العربية עברית 🎵",
)


def empty(language: str = "en") -> c.Contents:
    """A dossier of an operator that never came."""
    none = p.Counts()
    return c.Contents(
        question=c.Question("OpenAI", "2026-09-01T00:00:00Z", "2026-11-01T00:00:00Z", 4, language),
        pin=c.Pin(
            "label.example/evidence",
            "label.example/evidence+6a1b2c3d+AUpNsvmMoFvEFYEM8oVSWLlDaSMVoWGbvUJhCEo+Ncol",
            4,
            "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            digest("checkpoint"),
            "2026-08-01T00:00:00Z",
            "2026-11-02T09:00:00Z",
        ),
        verification=c.Verification(True, ()),
        summary=c.Summary(
            "self-attested",
            "The log is signed by the site itself and by nobody else.",
            True,
            False,
            (),
            none,
            none,
            none,
            0,
            0,
            "",
            None,
            0,
            0,
            0,
            0,
        ),
        parties=c.Parties(
            (parts.site(),),
            "OpenAI",
            "openai",
            "https://openai.com",
            (),
            digest("configuration"),
            "2026-11-22",
            (),
        ),
        reservation=c.Reservation((), (), (), 0, ()),
        works=c.Works((), (), 0),
        traffic=c.Traffic((), (), False, (), (), (), 0, 0, 0, 0),
        attribution=tuple(p.Grade(*grade, none, (), (), 0) for grade in GRADES),
        robots=c.Robots((), 0, 0, 0),
        conduct=c.Conduct((), (), ()),
        notice=p.AfterNotice("", (), none, none, ()),
        disclosures=(),
        disclosures_file=("", ""),
        exculpatory=c.Exculpatory((), none, (), (), 0, 0),
        limitations=c.Limitations((), (), (), (), ()),
        system=c.System((), (), "", (), (), (), None, 0),
        verify=c.Verify((("Check the manifest.", "sha256sum -c manifest.sha256"),)),
    )


def impostors_only(language: str = "en") -> c.Contents:
    """All that bore the operator's name came from elsewhere."""
    bad = counts(812, 812)
    base = empty(language)
    grades = tuple(
        replace(
            grade, counts=bad, tokens=(("GPTBot", 812),), how=(("address in no list of 2026-10-02", 812),)
        )
        if grade.standing == "contradicted"
        else grade
        for grade in base.attribution
    )
    return replace(
        base,
        summary=replace(base.summary, impostors=bad, has_traffic=True),
        attribution=grades,
        traffic=replace(base.traffic, days=(p.Day("2026-10-02", "contradicted", bad),)),
        exculpatory=replace(
            base.exculpatory, impostors=bad, impostor_how=(("address in no list of 2026-10-02", 812),)
        ),
    )


def full(language: str = "en") -> c.Contents:
    """A dossier with something in every section: 61 days, 90 works, gaps, clocks, letters, disclosures."""
    base = empty(language)
    total = counts(48_211, 31_007, 15_890, 1_020, 7_312_004_511)
    described = counts(2_118, 2_100, 18, 0, 90_112)
    impostors = counts(431, 431)
    return replace(
        base,
        question=replace(base.question, size=1_000_000),
        pin=replace(base.pin, size=1_000_000),
        summary=c.Summary(
            "timestamped",
            "A time stamp authority confirmed 412 times that the log existed as it is.",
            True,
            True,
            tuple(
                told.Statement(f"s{n}", text)
                for n, text in enumerate(
                    (
                        "robots.txt disallowed 31,100 of the attributed requests to this crawler.",
                        "The reservation was in force on every day of the period, in two versions.",
                        "16,910 requests were delivered a work in whole or in part.",
                        "After the notice of 1 October 2026, 9,114 further requests were recorded.",
                    )
                )
            ),
            total,
            described,
            impostors,
            88,
            71,
            "0.71",
            10_000,
            31_100,
            9_114,
            2,
            50_760,
        ),
        parties=replace(
            base.parties,
            crawlers=(
                parts.crawler("GPTBot", "training"),
                parts.crawler("OAI-SearchBot", "search"),
                parts.crawler("ChatGPT-User", "user-fetch"),
            ),
            catalogue_files=(("works.csv", digest("works")),),
        ),
        reservation=parts.reservation(),
        works=c.Works(
            parts.works(90),
            (
                told.UnmappedPath("label.example", "/", 400, 20),
                told.UnmappedPath("label.example", "/news/2026/10/long-title", 31, 2),
            ),
            453,
        ),
        traffic=counted.traffic(),
        attribution=counted.grades(total, described, impostors),
        robots=counted.robots(),
        conduct=counted.conduct(),
        notice=counted.notice(),
        disclosures=counted.disclosures(),
        disclosures_file=("openai-2026.csv", digest("disclosures")),
        exculpatory=c.Exculpatory(
            (
                told.Statement("licensed", "120 requests were allowed by contract VT-2026-4."),
                told.Statement("fetched", "robots.txt was fetched 61 times."),
            ),
            impostors,
            (("address in no list of 2026-10-02", 431),),
            (("VT-2026-4", counts(120, 0, 120)),),
            120,
            61,
        ),
        limitations=parts.limitations(),
        system=parts.system(),
    )


def failed(language: str = "en") -> c.Contents:
    """The full dossier over a log that does not verify, with far more problems than a page holds."""
    base = full(language)
    problems = tuple(
        f"log/tile/entries/x001/{n:03d}: entry {n}: does not name the record before it" for n in range(300)
    )
    return replace(
        base, verification=c.Verification(False, problems), summary=replace(base.summary, verifies=False)
    )


def hostile(language: str = "en") -> c.Contents:
    """The full dossier with hostile words wherever strangers or the site may write."""
    base, bad = full(language), HOSTILE
    works = tuple(
        replace(
            work,
            title=bad[n % len(bad)],
            contributors=(bad[(n + 1) % len(bad)],),
            id=f"x:{n}:{bad[n % len(bad)]}",
        )
        for n, work in enumerate(base.works.scheduled)
    )
    rows = tuple(replace(row, line=bad[n % len(bad)], agent=bad[1]) for n, row in enumerate(base.robots.rows))
    return replace(
        base,
        question=replace(base.question, operator=bad[0] + bad[1] + bad[2]),
        works=replace(
            base.works, scheduled=works, unmapped=tuple(told.UnmappedPath(word, word, 9, 3) for word in bad)
        ),
        attribution=tuple(
            replace(grade, how=tuple((word, 3) for word in bad), tokens=tuple((word, 2) for word in bad))
            for grade in base.attribution
        ),
        robots=replace(base.robots, rows=rows),
        parties=replace(
            base.parties,
            operator=bad[1],
            homepage=bad[0],
            sites=(
                replace(
                    base.parties.sites[0], names=bad, contact=bad[6], rightsholder=bad[4], operator=bad[5]
                ),
            ),
        ),
        verification=c.Verification(False, bad * 5),
        summary=replace(
            base.summary,
            sentences=tuple(told.Statement(str(n), word * 3) for n, word in enumerate(bad * 2)),
            assurance_words=bad[4],
        ),
        limitations=replace(
            base.limitations,
            statements=tuple(told.Statement(str(n), word) for n, word in enumerate(bad)),
            gaps=tuple(
                told.Fault(n, word, "gap", ((word, word), ("first_at", word))) for n, word in enumerate(bad)
            ),
        ),
        system=replace(
            base.system,
            custodian=bad[6],
            custody=tuple(told.Custody(n, word, word, word, word, word) for n, word in enumerate(bad)),
        ),
        verify=c.Verify(tuple((word, word) for word in bad)),
    )


SAMPLES = {"full": full, "empty": empty, "impostors": impostors_only, "failed": failed, "hostile": hostile}
