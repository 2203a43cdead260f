"""A copy of the checkpoint for somebody else to keep: a file in a folder, bare or as a mail to send."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from vorbehalt.evidence.anchor.asking import Anchored, Miss, Present
from vorbehalt.evidence.anchor.targets import CopyTarget
from vorbehalt.evidence.files import Disk

_TEXT = """\
This is the checkpoint of the evidence log {origin}, as it was signed.

It commits to the first {size} records. Please keep this message: whoever
changes, cuts or rebuilds the log later, even with the log's own key, can no
longer bring it into agreement with the attached file. To compare it:

    vorbehalt evidence verify DIRECTORY --against {name} --vkey '{vkey}'

or, without any of our software:

    python3 verify.py DIRECTORY --against {name} --vkey '{vkey}'
"""


def mail_of(present: Present, name: str, *, at: int, to: str, sender: str) -> bytes:
    """Return a mail with the checkpoint attached; `at` is nanoseconds UTC. Nothing sends it."""
    origin, size = present.checkpoint.origin, present.checkpoint.size
    moment = datetime.fromtimestamp(at // 10**9, UTC)
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"Checkpoint of {origin}: {size} records"
    mail["Date"] = format_datetime(moment)
    if sender:
        mail["From"] = sender
    if to:
        mail["To"] = to
    mail.set_content(_TEXT.format(origin=origin, size=size, name=name, vkey=present.verifier.vkey))
    mail.add_attachment(present.note, maintype="application", subtype="octet-stream", filename=name)
    mail.set_boundary(f"=_checkpoint_{size}")
    return mail.as_bytes()


def copy(target: CopyTarget, present: Present, disk: Disk, *, at: int) -> Anchored:
    """Write the file; raises Miss. The folder must be there: a share that is not mounted is none of ours."""
    folder = Path(target.folder)
    day = datetime.fromtimestamp(at // 10**9, UTC).strftime("%Y-%m-%d")
    origin = re.sub(r"[^A-Za-z0-9.-]+", "_", present.checkpoint.origin)[:80]
    name = f"{origin}-{day}-{present.checkpoint.size}"
    data = present.note
    if target.form == "eml":
        data = mail_of(present, f"{name}.checkpoint", at=at, to=target.to, sender=target.sender)
    try:
        if not folder.is_dir():
            raise Miss("there is no such folder")
        disk.create_once(folder / f"{name}.{target.form}", data, folder)
    except OSError as error:
        raise Miss(f"the copy cannot be written: {error.strerror or type(error).__name__}") from None
    return Anchored(0, {"form": target.form})
