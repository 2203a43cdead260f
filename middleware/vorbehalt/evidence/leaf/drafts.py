"""From a visit and its verdict to the draft of a record. Pure: observation only, no conclusions added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import parse_qsl

from vorbehalt.evidence.history.records import IMPORTED, REQUEST
from vorbehalt.evidence.leaf.headers import redacted
from vorbehalt.evidence.leaf.record import seen_headers
from vorbehalt.evidence.receipt import Draft, RecordType, Retention
from vorbehalt.facts import AI_PURPOSES, Standing, Visit
from vorbehalt.identify.identity import Identity
from vorbehalt.policy.verdict import Verdict

_NOTHING: Mapping[str, object] = MappingProxyType({})
_OPERATOR_STANDINGS = frozenset({Standing.SIGNED, Standing.VERIFIED, Standing.CONSISTENT})


def request_draft(
    visit: Visit,
    verdict: Verdict,
    ref: str,
    *,
    status: int | None,
    headers_digest: str | None,
    versions: dict[str, str],
    query_keys: tuple[str, ...] = (),
    redact: tuple[str, ...] = (),
    said: Mapping[str, object] = _NOTHING,
    works: tuple[str, ...] = (),
) -> Draft:
    """Build the `request` record: what was asked, who the client said it was, what was decided.

    `status` is the status already decided (a refusal), None while the application has yet to answer.
    `headers_digest` is the SHA-256 of the reservation headers of this very response; None where they depend
    on its media type, and then the `completion` says it. `said` is what the crawler was told before: `told`
    (its last fetches of our documents) and `robots` (what robots.txt says to it about this target). `works`
    are the works asked for: `work` names the first, `works` all where there are several.
    """
    hidden: dict[str, bytes] = {}
    if redact:
        headers, hidden = redacted(visit.headers, redact)
        visit = replace(visit, headers=headers)
    seen: dict[str, object] = {
        **_asked(visit, query_keys),
        **_claimed(verdict),
        "decision": {
            "action": verdict.action.value,
            "would": verdict.would.value,
            "enforced": verdict.enforced,
            "rule": verdict.rule,
            "reasons": list(verdict.reasons),
            "status": status,
        },
        "findings": [
            {"id": f.id, "weight": f.weight, "observed": f.observed, "expected": f.expected}
            for f in verdict.findings
        ],
        **({"score": verdict.score, "level": verdict.level} if verdict.findings else {}),
        "reservation": {
            "section": verdict.section,
            "headers": headers_digest,
            "signals": verdict.reservation,
        },
        "work": works[0] if works else verdict.work,
        **({"works": list(works)} if len(works) > 1 else {}),
        "permission": verdict.permission,
        **said,
        "versions": versions,
    }
    draft = _draft("request", visit, verdict, ref, seen)
    draft.private.update(hidden)
    return draft


def completion_draft(
    visit: Visit,
    verdict: Verdict,
    ref: str,
    *,
    at: int,
    status: int,
    sent: int,
    whole: bool,
    headers_digest: str,
) -> Draft:
    """Build the `completion` of an answered request: bytes handed to the server, and whether all of them.

    A HEAD, a 304 and a broken transfer deliver no work; `delivered` says so. `headers_digest` is the SHA-256
    of the reservation headers that this answer carried, empty if it carried none.
    """
    delivered = whole and sent > 0 and visit.method != "HEAD" and status in (200, 203, 206)
    seen: dict[str, object] = {
        "of": ref,
        "host": visit.host,
        "status": status,
        "bytes": sent,
        "whole": whole,
        "delivered": delivered,
        "reservation": {"headers": headers_digest},
        "vantage": visit.vantage,
        **_claimed(verdict),
    }
    draft = _draft("completion", visit, verdict, ref, seen)
    draft.at = at
    draft.amount = sent if delivered else 0
    draft.private = {}
    return draft


def signal_draft(
    visit: Visit,
    verdict: Verdict,
    ref: str,
    *,
    document: str,
    digest: str,
    status: int,
    versions: dict[str, str],
    redact: tuple[str, ...] = (),
) -> Draft:
    """Build the `signal-served` record: which version of a signal document a claimed crawler was given."""
    hidden: dict[str, bytes] = {}
    if redact:
        headers, hidden = redacted(visit.headers, redact)
        visit = replace(visit, headers=headers)
    seen: dict[str, object] = {
        **_asked(visit, ()),
        **_claimed(verdict),
        "document": document,
        "digest": digest,
        "status": status,
        "reservation": {"signals": verdict.reservation},
        "versions": versions,
    }
    draft = _draft("signal-served", visit, verdict, ref, seen)
    draft.private.update(hidden)
    return draft


@dataclass(frozen=True, slots=True)
class LogLine:
    """Where a request of the past stands: SHA-256 of the file, line, who kept it, when it was read."""

    digest: str
    number: int
    custodian: str
    imported_at: int


def imported_draft(
    visit: Visit,
    verdict: Verdict,
    line: LogLine,
    *,
    status: int | None,
    sent: int,
    versions: dict[str, str],
    query_keys: tuple[str, ...] = (),
    redact: tuple[str, ...] = (),
) -> Draft:
    """Build the `imported` record of one line of an access log: what the log says, and whose claim it is.

    Nothing was decided about it, and nothing shows that it was true: `not_contemporaneous` says so. The claim
    is weighed against the address lists of its day, as far as they were kept; `how` names their age.
    """
    headers, hidden = redacted(visit.headers, redact)
    visit = replace(visit, headers=headers)
    seen: dict[str, object] = {
        "kind": REQUEST,
        "not_contemporaneous": True,
        "logged_at": str(visit.received_at),
        **_asked(visit, query_keys),
        "vantage": "access-log",
        "status": status,
        "bytes": sent,
        **_claimed(verdict),
        "work": verdict.work,
        "log": {"sha256": line.digest, "line": line.number},
        "custodian": line.custodian,
        "imported_at": str(line.imported_at),
        "versions": versions,
    }
    draft = _draft(IMPORTED, visit, verdict, "", seen)
    draft.private.update(hidden)
    # Openings are kept as long as those of today: by the day on which they came into the vault.
    draft.at = line.imported_at
    return draft


def _draft(kind: RecordType, visit: Visit, verdict: Verdict, ref: str, seen: dict[str, object]) -> Draft:
    identity = verdict.identity
    private: dict[str, bytes] = {}
    if visit.client.text:
        private["address"] = visit.client.text.encode()
    if visit.client.peer and visit.client.peer != visit.client.text:
        private["peer"] = visit.client.peer.encode("utf-8", "replace")
    if visit.client.chain:
        private["chain"] = visit.client.chain
    if sender := visit.header(b"from"):
        private["from"] = sender
    query = visit.target.partition(b"?")[2]
    if query:
        private["query"] = query
    return Draft(
        type=kind,
        ref=ref,
        at=visit.received_at,
        seen=seen,
        private=private,
        client=visit.client.text or "",
        operator=budget_of(identity) if identity else "",
        retention=retention_of(verdict),
        rollup=rollup_key(verdict, visit.host),
    )


def budget_of(identity: Identity) -> str:
    """Return whose budget of full records this is charged to; impostors use up none but their own."""
    return f"impostor {identity.token}" if identity.is_impostor else identity.operator or identity.token


def retention_of(verdict: Verdict) -> Retention:
    """Return how long the opening of this visitor's address is kept: a person's shortest."""
    identity = verdict.identity
    if identity is None:
        return "person"
    return "operator" if identity.standing in _OPERATOR_STANDINGS else "claimed"


def rollup_key(verdict: Verdict, host: str) -> tuple[str, ...]:
    """Return the row that counts a visit when it leaves no record of its own: closed values only."""
    identity = verdict.identity
    return (
        host,
        identity.token if identity else "",
        identity.counted_operator if identity else "",
        identity.purpose.value if identity else "none",
        identity.standing.value if identity else "none",
        verdict.action.value,
        verdict.would.value,
    )


def _asked(visit: Visit, query_keys: tuple[str, ...]) -> dict[str, object]:
    raw_path, _, query = visit.target.partition(b"?")
    seen: dict[str, object] = {
        "host": visit.host,
        "method": visit.method,
        "scheme": visit.scheme,
        "http": visit.http_version,
        "path": raw_path.decode("latin-1"),
        "vantage": visit.vantage,
        "source": visit.client.source,
        "headers": seen_headers(visit.headers),
    }
    if visit.request_id:
        seen["request_id"] = visit.request_id
    if query:
        # A key can hold as much about a person as a value (`?jane@example.org`): only listed ones are named.
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        seen["query"] = {
            "count": len(pairs),
            "listed": [[key, value] for key, value in pairs if key in query_keys][:50],
        }
    return seen


def _claimed(verdict: Verdict) -> dict[str, object]:
    identity = verdict.identity
    if identity is None:
        return {"claim": None}
    return {
        "claim": {
            "token": identity.token,
            "operator": identity.operator,
            "purpose": identity.purpose.value,
            "basis": identity.crawler.purpose_basis,
            "standing": identity.standing.value,
            "how": identity.how,
            "data": list(identity.data),
            "ai": identity.purpose in AI_PURPOSES,
        }
    }
