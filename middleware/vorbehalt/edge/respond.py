"""Answers of our own: refusals and signal documents, prepared once, so that refusing is cheap."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from os import urandom
from typing import Any

from vorbehalt.edge.negotiate import best_language, prefers_html
from vorbehalt.edge.words import LABELS, LANGUAGES, RESERVED, SENTENCES, TITLES
from vorbehalt.facts import AI_PURPOSES, Action, Headers, Purpose, Standing, Visit
from vorbehalt.policy.verdict import Allowance, Verdict
from vorbehalt.reservation.bundle import Document
from vorbehalt.reservation.terms import Terms

Message = dict[str, Any]
Messages = tuple[Message, Message]

# Looking up a member on its Enum class costs more than all the rest of a comparison.
_LIMIT = Action.LIMIT
_CONTRADICTED = Standing.CONTRADICTED
_COLLECTS = (Purpose.TRAINING, Purpose.DATASET)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# 256 is a multiple of 32: every letter is as likely as any other.
_LETTERS = bytes(ord(_CROCKFORD[byte & 31]) for byte in range(256))
_DRAW = 256
_drawn: list[str] = []
_MARK = "VB-####-####-####-####"
_TEMPLATES = 512
_QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
_QUOTA_NAME = "requests"
_QUOTA = _QUOTA_NAME.encode()
STYLE = "body{max-width:40rem;margin:10vh auto;padding:0 1rem;font:1.1rem/1.5 sans-serif}dt{font-weight:bold}"
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def new_reference() -> str:
    """Return a reference id, `VB-XXXX-XXXX-XXXX-XXXX`: 80 random bits in Crockford's base32."""
    try:
        text = _drawn.pop()
    except IndexError:
        # One draw for many: asking the system for each reference costs more than the rest of a refusal.
        letters = urandom(16 * _DRAW).translate(_LETTERS).decode("ascii")
        _drawn.extend(letters[at : at + 16] for at in range(16, len(letters), 16))
        text = letters[:16]
    return f"VB-{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}"


os.register_at_fork(after_in_child=_drawn.clear)


def refusal_status(verdict: Verdict) -> int:
    """Return 429 for a limit, 403 for every other refusal."""
    return 429 if verdict.action is _LIMIT else 403


def reason_kind(verdict: Verdict) -> str:
    """Return the kind of sentence a refused visitor reads; only what the client itself claimed is named."""
    if verdict.action is _LIMIT:
        return "limit"
    identity = verdict.identity
    if identity is None:
        return "rule"
    if identity.standing is _CONTRADICTED:
        return "contradicted"
    purpose = identity.crawler.purpose
    if purpose in _COLLECTS:
        return "training"
    return "ai" if purpose in AI_PURPOSES else "automated"


@dataclass(frozen=True, slots=True)
class _Template:
    """A refusal with a hole for the reference. `terms` guards against a recycled id in the cache key."""

    terms: Terms
    headers: list[tuple[bytes, bytes]]
    before: bytes
    after: bytes
    auth_headers: list[tuple[bytes, bytes]]


_templates: dict[tuple[int, int, str, str, bytes, bytes], _Template] = {}


def refusal_messages(
    visit: Visit,
    verdict: Verdict,
    reference: str,
    terms: Terms,
    section_headers: Headers,
    *,
    auth_limit_status: int = 403,
) -> Messages:
    """Return start and body of a refusal, as problem details (RFC 9457) or as a page, by Accept.

    A limit carries Retry-After and RateLimit (draft-ietf-httpapi-ratelimit-headers-10). Answering forward
    auth, a limit has the status `auth_limit_status` and says 429 in X-Vorbehalt-Status.
    """
    accept = language = b""
    for name, value in visit.headers:
        if name == b"accept":
            accept = accept + b"," + value if accept else value
        elif name == b"accept-language":
            language = language + b"," + value if language else value
    status = 429 if verdict.action is _LIMIT else 403
    key = (
        id(terms),
        status,
        reason_kind(verdict),
        verdict.reasons[0] if verdict.reasons else "",
        accept,
        language,
    )
    template = _templates.get(key)
    if template is None or template.terms is not terms:
        template = _build(terms, status, key[2], key[3], accept, language)
        if len(_templates) >= _TEMPLATES:
            _templates.clear()
        if len(accept) + len(language) <= 1024:
            _templates[key] = template
    is_auth = visit.vantage == "forward-auth"
    headers = [*(template.auth_headers if is_auth else template.headers), *section_headers]
    allowance = verdict.allowance
    if status == 429:
        headers += limit_headers(allowance) if allowance is not None else [(b"retry-after", b"60")]
    if is_auth:
        headers.append((b"x-vorbehalt-reference", reference.encode()))
        if status == 429:
            status = auth_limit_status
    # The question of a proxy is never a HEAD, whatever the visitor sent.
    body = (
        b""
        if visit.method == "HEAD" and not is_auth
        else template.before + reference.encode() + template.after
    )
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


def limit_headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """Return RateLimit-Policy and RateLimit, and Retry-After where the quota is spent."""
    wait = allowance.reset_seconds if allowance.admitted else max(allowance.retry_after_seconds, 1)
    headers = [
        (b"ratelimit-policy", b'"%s";q=%d;w=%d' % (_QUOTA, allowance.limit, allowance.period_seconds)),
        (b"ratelimit", b'"%s";r=%d;t=%d' % (_QUOTA, allowance.remaining, wait)),
    ]
    if not allowance.admitted:
        headers.append((b"retry-after", b"%d" % wait))
    return headers


def document_messages(
    document: Document, section_headers: Headers, method: str, if_none_match: bytes
) -> Messages:
    """Return start and body for a signal document: 200, 304 (If-None-Match), 405 for other methods."""
    if method not in ("GET", "HEAD"):
        body = b"This document can be read with GET and HEAD.\n"
        headers = [
            (b"allow", b"GET, HEAD"),
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            *section_headers,
        ]
        return _messages(405, headers, body)
    headers = [(b"etag", document.etag), (b"cache-control", b"public, max-age=3600"), *section_headers]
    if document.language:
        headers.append((b"vary", b"Accept-Language"))
    if if_none_match and _matches(document.etag, if_none_match):
        return _messages(304, headers, b"")
    headers += [
        (b"content-type", document.media_type.encode("latin-1")),
        (b"content-length", b"%d" % len(document.body)),
        (b"x-content-type-options", b"nosniff"),
    ]
    if document.language:
        headers.append((b"content-language", document.language.encode("ascii")))
    if document.content_security_policy:
        headers.append((b"content-security-policy", document.content_security_policy.encode("ascii")))
    return _messages(200, headers, b"" if method == "HEAD" else document.body)


def _messages(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> Messages:
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


def _matches(etag: bytes, if_none_match: bytes) -> bool:
    """Weak comparison (RFC 9110 section 13.1.2)."""
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return b"*" in tags or etag.removeprefix(b"W/") in tags


def _build(
    terms: Terms, status: int, kind: str, reason: str, accept: bytes, accept_language: bytes
) -> _Template:
    default = next((name for name in (tag[:2] for tag in terms.languages) if name in LANGUAGES), "en")
    language = best_language(accept_language, LANGUAGES, default)
    if prefers_html(accept):
        body, media_type = _page(terms, status, kind, language), b"text/html; charset=utf-8"
    else:
        body, media_type = _problem(terms, status, kind, reason, language), b"application/problem+json"
    before, _, after = body.partition(_MARK)
    headers = [
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(body.encode())),
        (b"content-language", language.encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept, Accept-Language"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if media_type.startswith(b"text/html"):
        policy = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'"
        headers.append((b"content-security-policy", policy.encode()))
    auth_headers = [*headers, (b"x-vorbehalt-status", b"%d" % status)]
    return _Template(terms, headers, before.encode(), after.encode(), auth_headers)


def _policy_url(terms: Terms) -> str:
    return terms.policy_url or f"{terms.origin}{terms.page_path}"


def _reservation(terms: Terms, language: str) -> str:
    words = RESERVED[language]
    uses = terms.uses
    stances: Mapping[str, str] = {
        "search": uses.search,
        "training": uses.training,
        "ai_input": uses.ai_input,
        "tdm": uses.tdm,
    }
    reserved = [words[name] for name, stance in stances.items() if stance == "reserve"]
    return words["lead"] + ", ".join(reserved) + "." if reserved else words["none"]


def _problem(terms: Terms, status: int, kind: str, reason: str, language: str) -> str:
    problem: dict[str, object] = {
        "type": _QUOTA_EXCEEDED if status == 429 else "about:blank",
        "title": TITLES[language][status],
        "status": status,
        "detail": SENTENCES[language][kind],
        "reason": reason,
        "reservation": _reservation(terms, language),
        "policy": _policy_url(terms),
        "contact": terms.contact,
        "reference": _MARK,
    }
    if status == 429:
        problem["violated-policies"] = [_QUOTA_NAME]
    if not terms.contact:
        del problem["contact"]
    return json.dumps(problem, indent=2) + "\n"


def _page(terms: Terms, status: int, kind: str, language: str) -> str:
    labels = LABELS[language]
    rows = [(labels["reference"], f"<code>{_MARK}</code>")]
    if terms.contact:
        rows.append((labels["contact"], _link(terms.contact, terms.contact.removeprefix("mailto:"))))
    rows.append((labels["policy"], _link(_policy_url(terms), _policy_url(terms))))
    details = "".join(f"<dt>{escape(label)}</dt><dd>{value}</dd>\n" for label, value in rows)
    title = escape(TITLES[language][status])
    site = f"<p>{escape(terms.operator)}</p>\n" if terms.operator else ""
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
        f"<p>{escape(SENTENCES[language][kind])}</p>\n<p>{escape(_reservation(terms, language))}</p>\n"
        f"<p>{escape(labels['person'])}</p>\n<dl>\n{details}</dl>\n{site}</main>\n</body>\n</html>\n"
    )


def _link(url: str, text: str) -> str:
    """A link where the scheme is harmless, else the bare text."""
    if url.lower().startswith(("https://", "http://", "mailto:")):
        return f'<a href="{escape(url)}">{escape(text)}</a>'
    return escape(text)
