"""Between an answer and its record: nothing leaves before the record is durable, what left is recorded after."""

from __future__ import annotations

import os
from time import time_ns
from typing import Any

from vorbehalt.edge.live import Live
from vorbehalt.edge.respond import new_reference
from vorbehalt.edge.runtime import Runtime
from vorbehalt.evidence.drafts import completion_draft, request_draft, rollup_key, signal_draft
from vorbehalt.evidence.receipt import Draft, Receipt
from vorbehalt.facts import Purpose, Visit
from vorbehalt.policy.verdict import Verdict
from vorbehalt.reservation.bundle import Document, SectionHeaders

_QUIET = frozenset({Purpose.TOOL, Purpose.HEADLESS})


class Recording:
    """The record of one answer. Evidence trouble never changes the answer: it is counted, and the answer goes out."""

    __slots__ = (
        "_bytes",
        "_complete",
        "_live",
        "_ref",
        "_runtime",
        "_status",
        "_visit",
        "_waits",
        "_whole",
        "receipt",
        "verdict",
    )

    def __init__(
        self,
        runtime: Runtime,
        live: Live,
        visit: Visit,
        verdict: Verdict,
        receipt: Receipt,
        ref: str,
        complete: bool,
    ) -> None:
        self._runtime = runtime
        self._live = live
        self._visit = visit
        self._ref = ref
        self._waits = True
        self._complete = complete
        self._status = 0
        self._bytes = 0
        self._whole = False
        self.receipt = receipt
        self.verdict = verdict

    async def before_first_byte(self) -> None:
        """Wait until the record is durable, at most `evidence.reply_deadline`; then never again."""
        if not self._waits:
            return
        self._waits = False
        if self.receipt.is_durable:
            return
        await wait_for(self._runtime, self._live, self.receipt, self._ref)

    def saw(self, message: Any) -> None:
        """Take note of a message on its way to the server."""
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start"):
            self._status = int(message["status"])
        elif kind == "http.response.body":
            self._bytes += len(message.get("body") or b"")
            self._whole = not message.get("more_body", False)
        elif kind == "http.response.pathsend":
            self._bytes += os.path.getsize(message["path"])
            self._whole = True
        elif kind == "http.response.zerocopysend":
            count = message.get("count")
            self._bytes += int(count) if count is not None else os.fstat(_fileno(message["file"])).st_size
            self._whole = not message.get("more_body", False)
        elif kind == "websocket.accept":
            self._status = 101
        elif kind == "websocket.send":
            self._bytes += len(message.get("bytes") or (message.get("text") or "").encode())
        elif kind == "websocket.close":
            self._whole = True

    def finish(self) -> None:
        """Record what was handed to the server; called once, when the app has returned or failed."""
        if not self._complete:
            return
        try:
            draft = completion_draft(
                self._visit,
                self.verdict,
                self._ref,
                at=time_ns(),
                status=self._status,
                sent=self._bytes,
                whole=self._whole,
            )
            self._runtime.evidence.append(draft)
            identity = self.verdict.identity
            if identity is not None and draft.amount:
                self._live.counters.inc(
                    "vorbehalt_crawler_delivered_bytes_total",
                    (
                        identity.token,
                        identity.operator or "",
                        identity.purpose.value,
                        identity.standing.value,
                    ),
                    draft.amount,
                )
        except Exception:
            self._live.count_internal_error()


async def wait_for(runtime: Runtime, live: Live, receipt: Receipt, ref: str) -> None:
    """Wait for a record as long as an answer may; a late one is counted and named in a gap record."""
    seconds = live.engine.settings.evidence.reply_deadline_seconds
    if await receipt.durable(seconds):
        return
    live.counters.inc("vorbehalt_evidence_lost_total", ("reply-deadline",))
    gap: dict[str, object] = {"reason": "reply-deadline", "of": ref, "deadline_ms": str(int(seconds * 1000))}
    runtime.evidence.append(Draft(type="gap", ref=ref, at=time_ns(), seen=gap))


def _fileno(file: Any) -> int:
    return file if isinstance(file, int) else int(file.fileno())


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

    Rollups are counted here. A refusal of anybody and everything identified AI crawlers get is recorded in full.
    """
    identity = verdict.identity
    settings = live.engine.settings.evidence
    versions = live.engine.versions
    if document is not None:
        if identity is None or identity.purpose in _QUIET:
            return None
        live.counters.inc("vorbehalt_crawler_signals_total", (identity.token, document.path))
        reference = new_reference()
        draft = signal_draft(
            visit,
            verdict,
            reference,
            document=document.path,
            digest=document.digest,
            status=status or 200,
            versions=versions,
        )
        return Recording(
            runtime, live, visit, verdict, runtime.evidence.append(draft), reference, complete=False
        )
    if not verdict.is_refusal:
        if identity is None:
            return None
        kind = settings.record.get(identity.purpose, "full")
        if kind == "rollup":
            runtime.evidence.count(rollup_key(verdict, visit.host), at=visit.received_at)
        if kind != "full":
            return None
    reference = ref or new_reference()
    draft = request_draft(
        visit,
        verdict,
        reference,
        status=status,
        headers_digest=section.digest,
        versions=versions,
        query_keys=settings.query_keys,
    )
    receipt = runtime.evidence.append(draft)
    answers_content = not verdict.is_refusal and visit.vantage != "forward-auth"
    return Recording(runtime, live, visit, verdict, receipt, reference, complete=answers_content)
