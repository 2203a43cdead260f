"""Letters made of values alone, for tests of what they say and how they look."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest

from notice_support import HOSTILE_TITLE, row
from vorbehalt.claims.ledger import Query, Tally
from vorbehalt.claims.notice.addressees import Addressee, read_addressees
from vorbehalt.claims.notice.in_force import InForce
from vorbehalt.claims.notice.kinds import LANGUAGES, Kind
from vorbehalt.claims.notice.letter import Workshop, Writing
from vorbehalt.claims.notice.order import Log, Material, Order
from vorbehalt.claims.notice.sender import Sender
from vorbehalt.claims.notice.traffic import Traffic
from vorbehalt.claims.register import Letter, Register, Step
from vorbehalt.facts import Standing
from vorbehalt.works.entry import Work

TODAY = date(2026, 11, 26)


DAY = 86_400 * 10**9
AT = 20_780 * DAY


SENDER = Sender("Label Example GmbH", "", "owner", "rights@label.example", ("Label Example GmbH", "Kai 1"))


PLACE = InForce(
    "https://label.example", AT - 90 * DAY, AT - 9 * DAY, "d" * 64, 7, (("/robots.txt", "e" * 64),),
    ("training", "tdm"), False,
)  # fmt: skip


def traffic_of(*standings: str, work: str = "own:1") -> Traffic:
    tally = Tally(Query("OpenAI"))
    for number, standing in enumerate(standings):
        claim = {"token": "GPTBot", "operator": "OpenAI", "standing": standing}
        seen: dict[str, object] = {
            "method": "GET", "claim": claim, "decision": {"action": "allow"}, "work": work,
        }  # fmt: skip
        tally.take({"type": "request", "ref": f"VB-{number}", "at": str(AT), "seen": seen})
        end = {"claim": claim, "status": 200, "bytes": 1000, "whole": True, "delivered": True}
        tally.take({"type": "completion", "ref": f"VB-{number}", "at": str(AT), "seen": end})
    return Traffic(tally.finish())


ALL_STANDINGS = tuple(standing.value for standing in Standing)


def letter_sent(due: str = "2026-11-20") -> Letter:
    steps = (Step("written", AT, "2026-10-30"), Step("sent", AT, "2026-11-01"))
    return Letter("2026-0007", "OpenAI", "factual", "en", "2026-10-30", due, "a" * 64, "Jane Roe", steps)


def party(**changed: str) -> Addressee:
    columns = row(**{"date": TODAY.isoformat(), **changed})
    out = StringIO()
    table = csv.DictWriter(out, list(columns))
    table.writeheader()
    table.writerow(columns)
    (found,) = read_addressees("a.csv", out.getvalue().encode(), TODAY).rows
    return found


def writing(workshop: Workshop, kind: Kind, language: str = "en", **changed: Any) -> Writing:
    order = Order(
        kind, TODAY, TODAY + timedelta(days=21), "Jane Roe", language,
        **{name: changed.pop(name) for name in ("is_draft", "counsel", "earlier") if name in changed},
    )  # fmt: skip
    material = Material(
        sender=changed.pop("sender", SENDER),
        reservations=(PLACE,),
        names={"openai": "OpenAI"},
        log=Log(99, "cm9vdA==", "timestamped"),
        find_work=changed.pop("find_work", lambda id: Work((id,), HOSTILE_TITLE)),
        traffic={"OpenAI": changed.pop("traffic", traffic_of(*ALL_STANDINGS))},
        register=Register((changed.pop("letter", letter_sent()),)),
    )
    return Writing(order, changed.pop("to", party()), material, workshop)


EVERY_LETTER = [
    pytest.param(kind, language, id=f"{kind}-{language}") for kind in Kind for language in LANGUAGES
]


def text_of(one: Writing) -> str:
    assert one.problems("a.csv") == []
    return " ".join(one.render("2026-0042").text.decode().split())
