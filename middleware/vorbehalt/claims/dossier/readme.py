"""What lies in the folder of a dossier and how to check it, as plain text: English, for whoever opens it."""

from __future__ import annotations

from vorbehalt.claims.dossier.contents import Contents

_README = """\
Dossier: requests in the name of {operator}
Log {origin}, first {size} records, root {root}
{period}
{result}

contents.json    every figure and sentence of this dossier
records.jsonl    the enclosed records, one a line, with their index in the log; the
                 bytes behind "record": are those that were signed
records.csv      the same as a table, ledger.csv the counts by day and by work:
                 for reading, no evidence of their own
log/             verifier key, signed checkpoint, hashes of all records of the log
objects/         documents that these records name by their SHA-256
anchors/         checkpoints and time stamps that these records name
verify.py        checks all of this with Python 3.11 or later and openssl alone
manifest.sha256  SHA-256 of every other file

No record of other clients is enclosed. How to check it: VERIFY.md
"""
_STEP = """\
{number}. {words}

   ```
   {command}
   ```
"""


def readme(contents: Contents) -> bytes:
    """Return README.txt."""
    question, pin = contents.question, contents.pin
    since, until = question.since or "the beginning", question.until or "the last of these records"
    text = _README.format(
        operator=question.operator,
        origin=pin.origin,
        size=pin.size,
        root=pin.root,
        period=f"From {since} to {until}",
        result="It verified when it was made."
        if contents.verification.ok
        else "IT DOES NOT VERIFY: see contents.json, verification.",
    )
    return text.encode("utf-8", "backslashreplace")


def verify_text(contents: Contents) -> bytes:
    """Return VERIFY.md."""
    parts = ["# How to check this dossier\n"]
    if not contents.verification.ok:
        parts.append("It does not verify. Found when it was made:\n")
        parts += [f"    {line}" for line in contents.verification.problems]
        parts.append("")
    for number, (words, command) in enumerate(contents.verify.steps, 1):
        parts.append(_STEP.format(number=number, words=words, command=command))
    return "\n".join(parts).encode("utf-8", "backslashreplace")
