"""How somebody else checks a dossier: the commands, in its language."""

from __future__ import annotations

from shlex import quote

from vorbehalt.claims.dossier.contents import Verify
from vorbehalt.claims.dossier.given import Given
from vorbehalt.claims.dossier.words import Words


def verify_of(given: Given, words: Words) -> Verify:
    """Return section 14."""
    question = given.question
    again = ["vorbehalt", "dossier", "--operator", question.operator]
    for option, text in (("--from", question.since), ("--to", question.until)):
        if text:
            again += [option, text]
    if given.disclosures_file[0]:
        again += ["--disclosures", given.disclosures_file[0]]
    if given.custodian:
        again += ["--custodian", given.custodian]
    again += ["--size", str(question.size), "--lang", question.language, "--no-record", "--out", "AGAIN"]
    return Verify(
        (
            (words.say("ver.sums"), "sha256sum -c manifest.sha256"),
            (words.say("ver.script"), "python3 -I -S verify.py . --vkey KEY"),
            (words.say("ver.figures"), "vorbehalt dossier check ."),
            (words.say("ver.again"), " ".join(map(quote, again))),
        )
    )
