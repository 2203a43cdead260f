"""The sections of a full dossier, each with something in it: 61 days, 90 works, gaps, letters."""

from __future__ import annotations

from hashlib import sha256

from vorbehalt.claims.dossier import contents as c
from vorbehalt.claims.dossier import contents_parts as p
from vorbehalt.claims.dossier import contents_told as told


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def counts(requested: int, refused: int = 0, whole: int = 0, part: int = 0, size: int = 0) -> p.Counts:
    return p.Counts(
        requested=requested,
        refused=refused,
        delivered=whole + part,
        whole=whole,
        part=part,
        unknown=requested - refused - whole - part,
        bytes=size,
        first="2026-09-01T00:10:00Z" if requested else "",
        last="2026-10-31T23:50:00Z" if requested else "",
    )


GRADES = (
    ("signed", "V3", "Signed", "signed with the operator's published key"),
    ("verified", "V2", "From its network", "from the operator's published network"),
    ("consistent", "V1", "Consistent", "consistent with the operator"),
    ("claimed", "V0", "Claimed", "described itself as the operator"),
    ("unknown", "VU", "Unknown", "could not be checked at the time"),
    ("contradicted", "VX", "Contradicted", "named the operator, but came from elsewhere"),
)


def site() -> c.Site:
    return c.Site(
        ("label.example", "www.label.example"),
        "https://label.example",
        "Label Example GmbH",
        "Label Example GmbH",
        "owner",
        (),
        "mailto:rights@label.example",
        "mailto:licensing@label.example",
        True,
        (("search", "allow"), ("training", "reserve"), ("ai_input", "reserve"), ("tdm", "reserve")),
        (("press", ("/press/", "/presse/")),),
    )


def crawler(token: str, purpose: str) -> c.Crawler:
    return c.Crawler(
        token, purpose, "operator", (token,), "https://platform.openai.com/docs/bots", ("ranges", "signature")
    )


def reservation() -> c.Reservation:
    documents = tuple(
        p.Document(path, digest(path), media)
        for path, media in (
            ("/robots.txt", "text/plain"),
            ("/.well-known/tdmrep.json", "application/json"),
            ("/.well-known/tdm-policy.json", "application/json"),
            ("/license.xml", "application/xml"),
        )
    )
    headers = (
        p.HeaderSet(
            "",
            digest("rest"),
            digest("rest"),
            (
                "tdm-reservation: 1",
                "tdm-policy: https://label.example/.well-known/tdm-policy.json",
                "x-robots-tag: noai, noimageai",
                "content-usage: train-ai=n",
            ),
            ("training", "ai_input", "tdm"),
            48_000,
            2_000,
        ),
        p.HeaderSet("press", digest("press"), digest("press"), ("tdm-reservation: 0",), (), 211, 118),
    )
    versions = tuple(
        p.ReservationVersion(
            "label.example",
            digest(since),
            since,
            until,
            record,
            imported,
            sources,
            documents,
            headers,
            (),
            attributed,
            90,
        )
        for since, until, record, imported, sources, attributed in (
            ("2025-03-01T00:00:00Z", "2026-08-01T00:00:00Z", 12, True, ("web.archive.org",), 0),
            ("2026-08-01T00:00:00Z", "2026-10-05T08:00:00Z", 13, False, (), 30_000),
            ("2026-10-05T08:00:00Z", "", 511_220, False, (), 18_211),
        )
    )
    return c.Reservation(
        versions,
        (
            p.HeadersSeen(digest("rest"), "app", 47_800, 2_000),
            p.HeadersSeen("", "app", 400, 118),
            p.HeadersSeen("", "forward-auth", 11, 0),
        ),
        (
            p.Served(
                "/robots.txt",
                digest("/robots.txt"),
                "verified",
                "GPTBot",
                61,
                "2026-09-01T00:10:00Z",
                "2026-10-31T00:10:00Z",
            ),
            p.Served(
                "/robots.txt",
                digest("/robots.txt"),
                "claimed",
                "GPTBot",
                7,
                "2026-09-03T00:10:00Z",
                "2026-10-30T00:10:00Z",
            ),
        ),
        3,
        (("w1", "2026-08-01T00:00:00Z", "2026-11-02T09:00:00Z"),),
    )


def works(number: int) -> tuple[p.ScheduledWork, ...]:
    rights = (
        p.Right("recording", "owner", (), "2011-01-01", "", None, "SR0000812345", "2011-05-03"),
        p.Right("composition", "mandate", ("DE", "AT", "CH"), "", "2030-12-31", 2500, "", ""),
    )
    return tuple(
        p.ScheduledWork(
            f"isrc:DEA12{n:07d}",
            (f"isrc:DEA12{n:07d}",),
            title,
            ("Nora Beispiel", "Ensemble Muster"),
            "recording",
            rights[: 1 + n % 2],
            ("no_us_registration",) if n % 3 == 0 else (),
            True,
            counts(900 - 10 * n, 500 - 5 * n, 300 - 3 * n, n % 7, 10_000_000) if n < 80 else counts(0),
            counts(n % 4, n % 4),
        )
        for n, title in (
            (
                n,
                (
                    "Morgenlied",
                    "A Rather Long Title of a Recording, Live at the Old Hall, Remastered",
                    "Élégie",
                    "Nocturne No. 3",
                )[n % 4]
                + f" {n}",
            )
            for n in range(number)
        )
    )


def limitations() -> c.Limitations:
    return c.Limitations(
        (
            told.Statement("sent", "Delivered means handed to the server, not received."),
            told.Statement("vantage", "11 answers were not seen by this software."),
        ),
        (
            told.Fault(
                310_004,
                "2026-09-24T06:00:00Z",
                "gap",
                (
                    ("reason", "disk_full"),
                    ("lost", "1204"),
                    ("late", "0"),
                    ("first_at", "1790035200000000000"),
                    ("last_at", "1790208000000000000"),
                ),
            ),
            told.Fault(
                700_100,
                "2026-10-12T06:00:00Z",
                "gap",
                (
                    ("reason", "queue_full"),
                    ("lost", "3"),
                    ("late", "0"),
                    ("first_at", "1791784800000000000"),
                    ("last_at", "1791784801000000000"),
                ),
            ),
        ),
        (
            told.Fault(5, "2026-08-01T00:00:00Z", "clock", (("event", "state"), ("synchronised", "true"))),
            told.Fault(
                690_000, "2026-10-20T01:00:00Z", "clock", (("event", "step-back"), ("by", "3600000000000"))
            ),
            told.Fault(
                690_001, "2026-10-20T01:00:00Z", "clock", (("event", "state"), ("synchronised", "false"))
            ),
        ),
        (
            told.Fault(
                400_000, "2026-10-01T00:00:00Z", "shred", (("scope", "2026-09-01"), ("reason", "retention"))
            ),
        ),
        (),
    )


def system() -> c.System:
    return c.System(
        (
            told.Statement(
                "what",
                "One record is written for each request of an AI crawler, before the answer leaves.",
            ),
            told.Statement(
                "chain",
                "Records are hashed into a Merkle tree (RFC 6962) whose size and root are signed.",
            ),
        ),
        (
            told.Software(
                0,
                "2026-08-01T00:00:00Z",
                "vorbehalt 0.9.0",
                "2026-07-20",
                digest("rules"),
                digest("config"),
                "web",
            ),
            told.Software(
                511_219,
                "2026-10-05T08:00:00Z",
                "vorbehalt 0.9.1",
                "2026-09-30",
                digest("rules2"),
                digest("config2"),
                "web",
            ),
        ),
        "Nora Beispiel, Label Example GmbH",
        (
            told.Custody(
                400_001, "2026-10-01T00:00:00Z", "shred", "vorbehalt", "retention", "addresses of 2026-09-01"
            ),
            told.Custody(600_001, "2026-10-01T09:00:00Z", "hold", "R. Muster", "2026-0007", "OpenAI"),
        ),
        (
            told.Anchor(
                990_000,
                "rfc3161",
                "tsa.example",
                989_900,
                "2026-11-02T08:50:00Z",
                True,
                True,
                ("989900.tsa.tsr", "989900.checkpoint"),
            ),
            told.Anchor(
                990_500,
                "witness",
                "witness.example",
                990_400,
                "2026-11-02T08:58:00Z",
                True,
                False,
                ("990400.witness.cosig",),
            ),
        ),
        (
            told.Fault(
                800_000,
                "2026-10-22T00:00:00Z",
                "anchor-missed",
                (("name", "tsa.example"), ("reason", "timeout")),
            ),
        ),
        86_400,
        0,
    )
