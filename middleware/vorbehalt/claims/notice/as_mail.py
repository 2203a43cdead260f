"""A letter as a draft for a mail program, with PDF and annexes attached. Nothing is sent here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from vorbehalt.claims.notice.addressees import Addressee
from vorbehalt.claims.notice.as_text import DRAFT
from vorbehalt.claims.notice.blocks import Block

_SPECIAL = re.compile(r"[^\w .&'/+-]")
"""What has a meaning in an address. Quoting it is not enough: folded, the quotation marks can get lost."""


def as_mail(
    blocks: Sequence[Block], to: Addressee, language: str, text: str, html: str, files: Mapping[str, bytes],
    *, is_draft: bool,
) -> bytes:  # fmt: skip
    """Return the .eml (RFC 5322). `files` are attachments by name, .pdf or .csv.

    It has no sender, date or message id: whoever sends it adds them. Without an address of e-mail it has no
    recipient either.
    """
    subject = next(block.text for block in blocks if block.mark == "subject")
    message = EmailMessage(policy=SMTP)
    message["X-Unsent"] = "1"
    if to.email:
        user, _, domain = to.email.rpartition("@")
        message["To"] = Address(" ".join(_SPECIAL.sub(" ", to.legal_name).split()), user, domain)
    message["Subject"] = f"[{DRAFT[language]}] {subject}" if is_draft else subject
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    for name, data in files.items():
        kind, subtype = ("application", "pdf") if name.endswith(".pdf") else ("text", "csv")
        message.add_attachment(data, maintype=kind, subtype=subtype, filename=name)
    return message.as_bytes()
