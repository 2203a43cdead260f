"""The report as a message that waits to be sent: the page as its body, the figures as its annex. Pure."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256

from vorbehalt.claims.report.html import as_html
from vorbehalt.claims.report.report import Report
from vorbehalt.claims.report.sheet import sheet_of
from vorbehalt.claims.report.strangers import shown
from vorbehalt.claims.report.table import as_csv
from vorbehalt.claims.report.text import as_text
from vorbehalt.claims.report.words import Words


def as_mail(report: Report, words: Words) -> bytes:
    """Return an unsent message (RFC 5322; `X-Unsent: 1` lets mail programs open it as a draft).

    It names neither sender nor recipient, and is the same bytes for the same report.
    """
    sheet = sheet_of(report, words)
    page, table = as_html(sheet), "".join(as_csv(report))
    message = EmailMessage(policy=SMTP)
    message["X-Unsent"] = "1"
    message["Subject"] = shown(f"{sheet.title} · {sheet.site}" if sheet.site else sheet.title)
    message.set_content("\n".join([words.mail, "", *map(shown, as_text(sheet))]) + "\n", cte="base64")
    message.add_alternative(page, subtype="html", cte="base64")
    message.add_attachment(
        table.encode("utf-8"),
        maintype="text",
        subtype="csv",
        filename=f"vorbehalt-{report.month}-{words.mail_annex}.csv",
    )
    # A boundary by chance would make another file of the same report.
    mark = sha256((page + table).encode("utf-8")).hexdigest()[:32]
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"={mark}{number}")
    return message.as_bytes()
