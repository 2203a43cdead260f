"""Between an answer and its record: nothing leaves before it is durable, what left is recorded after."""

from __future__ import annotations

from time import time_ns

from vorbehalt.edge.live import Live
from vorbehalt.edge.respond import new_reference
from vorbehalt.edge.runtime import Runtime
from vorbehalt.edge.telling import QUIET, place_of, said_in_record
from vorbehalt.edge.transfer import Transfer
from vorbehalt.evidence.leaf.drafts import completion_draft, request_draft, rollup_key, signal_draft
from vorbehalt.evidence.receipt import Receipt
from vorbehalt.facts import Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.bundle import Document
from vorbehalt.reservation.headers import SectionHeaders


class Recording:
    """The record of one answer. Evidence trouble never changes the answer: it is counted by the evidence."""

    __slots__ = ("_live", "_runtime", "_visit", "_waits", "receipt", "reference", "verdict")

    def __init__(
        self,
        runtime: Runtime,
        live: Live,
        visit: Visit,
        verdict: Verdict,
        receipt: Receipt,
        reference: str,
    ) -> None:
        self._runtime = runtime
        self._live = live
        self._visit = visit
        self._waits = True
        self.receipt = receipt
        self.reference = reference
        self.verdict = verdict

    async def before_first_byte(self) -> None:
        """Wait until the record is durable, at most `evidence.reply_deadline`; then never again."""
        if not self._waits:
            return
        if not self.receipt.is_durable:
            # A second message that comes meanwhile waits as well: the flag falls when the waiting is over.
            await wait_for(self._live, self.receipt)
        self._waits = False

    def finish(self, transfer: Transfer, carried: str) -> None:
        """Record what was handed to the server: once, for an answer of the app that has come to its end.

        `carried` is the SHA-256 hex of the reservation headers that went with it, empty if none did.
        """
        try:
            draft = completion_draft(
                self._visit,
                self.verdict,
                self.reference,
                at=time_ns(),
                status=transfer.status,
                sent=transfer.bytes,
                whole=transfer.is_whole,
                headers_digest=carried,
            )
            self._runtime.evidence.append(draft)
            identity = self.verdict.identity
            if identity is not None and draft.amount:
                labels = (
                    identity.token,
                    identity.counted_operator,
                    identity.purpose.value,
                    identity.standing.value,
                )
                self._live.counters.inc("vorbehalt_crawler_delivered_total", labels)
                self._live.counters.inc("vorbehalt_crawler_delivered_bytes_total", labels, draft.amount)
        except Exception:
            self._live.count_internal_error()


async def wait_for(live: Live, receipt: Receipt) -> None:
    """Wait for a record as long as an answer may. Never raises; the evidence counts what was late or lost."""
    try:
        await receipt.durable(live.engine.settings.evidence.reply_deadline_seconds)
    except Exception:  # trouble with the evidence never changes an answer
        live.count_internal_error()


def open_record(
    runtime: Runtime,
    live: Live,
    visit: Visit,
    verdict: Verdict,
    section: SectionHeaders,
    *,
    ref: str = "",
    status: int | None = None,
    document: Document | None = None,
) -> Recording | None:
    """Begin the record that is due for this visit (design: who leaves a record); None if none is due.

    Rollups are counted here. A refusal of anybody, all that identified AI crawlers get, and what is answered
    to a client whose findings come to `limit` or more is recorded in full.
    """
    identity = verdict.identity
    settings = live.engine.settings.evidence
    versions = live.engine.versions
    if document is not None:
        if identity is None:
            return None
        if identity.purpose in QUIET:
            runtime.outside.refer(visit, "")
            return None
        live.counters.inc("vorbehalt_crawler_signals_total", (identity.token, document.path))
        reference = new_reference()
        runtime.outside.refer(visit, reference)
        draft = signal_draft(
            visit,
            verdict,
            reference,
            document=document.path,
            digest=document.digest,
            status=status or 200,
            versions=versions,
            redact=settings.redact,
        )
        return Recording(runtime, live, visit, verdict, runtime.evidence.append(draft), reference)
    if not verdict.is_refusal and verdict.level == "observe":
        if identity is None:
            return None
        kind = settings.record.get(identity.purpose, "full")
        if kind == "rollup":
            runtime.evidence.count(rollup_key(verdict, visit.host), at=visit.received_at)
        if kind != "full":
            runtime.outside.refer(visit, "")
            return None
    reference = ref or new_reference()
    runtime.outside.refer(visit, reference)
    telling = runtime.telling
    place = place_of(live.engine.plan(visit.host))
    draft = request_draft(
        visit,
        verdict,
        reference,
        status=status,
        headers_digest=section.digest if status is not None or section.other is None else None,
        versions=versions,
        query_keys=settings.query_keys,
        redact=settings.redact,
        said=said_in_record(live, telling, telling.hosts, place, visit, verdict),
        works=live.engine.works_of(visit),
    )
    receipt = runtime.evidence.append(draft)
    if (concluded := runtime.clients.assessments.due(visit, verdict, reference, versions)) is not None:
        runtime.evidence.append(concluded)
    return Recording(runtime, live, visit, verdict, receipt, reference)
