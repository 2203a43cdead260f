"""Sections 10 to 14: what speaks for the operator, limits of the log, how it was kept and is checked."""

from __future__ import annotations

from collections.abc import Iterable

from vorbehalt.claims.dossier.contents_told import (
    Statement,
)
from vorbehalt.claims.dossier.page.blocks import Block, Cell, Figures, Points, Section, Words
from vorbehalt.claims.dossier.page.harmless import cut
from vorbehalt.claims.dossier.page.tables import anchors, custody_blocks, faults, software
from vorbehalt.claims.dossier.page.values import Values, exact, words

_SENTENCE = 600
_COMMAND = 1_000
_PROBLEMS = 40


def sentences(statements: Iterable[Statement]) -> Points:
    return Points(tuple(cut(item.sentence, _SENTENCE) for item in statements))


def exculpatory(v: Values) -> Section:
    say, told = v.say, v.contents.exculpatory
    blocks: list[Block] = [
        Words(say("exculpatory.lead")),
        sentences(told.statements),
        Figures(
            (
                v.figure("exculpatory.robots_allowed", v.number("exculpatory.robots_allowed")),
                v.figure("exculpatory.robots_fetched", v.number("exculpatory.robots_fetched")),
            )
        ),
        v.table(
            "exculpatory.permissions",
            ("contract***", "#requested", "#refused", "#delivered"),
            "exculpatory.permissions",
            lambda name, it: (
                words(it[0]),
                *(v.number(f"{name}.1.{key}") for key in ("requested", "refused", "delivered")),
            ),
        ),
        Words(say("exculpatory.annex"), "small"),
    ]
    return Section("10", say("section.exculpatory"), tuple(blocks))


def limitations(v: Values) -> Section:
    say, contents = v.say, v.contents
    problems = contents.verification.problems
    blocks: list[Block] = [Words(say("limitations.lead"))]
    if problems or not contents.verification.ok:
        shown = [cut(problem, 300) for problem in problems[:_PROBLEMS]]
        more = v.more(len(problems) - _PROBLEMS, "verification.problems")
        blocks.append(Points((*shown, *([more] if more else [])), say("summary.fails"), is_boxed=True))
    blocks.append(sentences(contents.limitations.statements))
    counted = [name for name in ("cut", "unnamed", "pruned") if v.at(f"traffic.{name}")]
    if counted:
        blocks.append(
            Figures(tuple(v.figure(f"limitations.{name}", v.number(f"traffic.{name}")) for name in counted))
        )
    for name in ("gaps", "clocks", "destroyed", "corrections"):
        blocks.append(faults(v, f"limitations.{name}"))
    return Section("11", say("section.limitations"), tuple(blocks))


def system(v: Values) -> Section:
    say, told = v.say, v.contents.system
    blocks: list[Block] = [
        sentences(told.description),
        Figures(
            (
                v.figure("system.custodian", words(told.custodian or "–")),
                v.figure("system.window", _seconds(v)),
                v.figure("system.unbounded", v.number("system.unbounded")),
            )
        ),
        software(v),
        anchors(v),
    ]
    if told.missed:
        blocks.append(faults(v, "system.missed"))
    blocks += custody_blocks(v)
    return Section("12", say("section.system"), tuple(blocks))


def _seconds(v: Values) -> Cell:
    if v.contents.system.window_seconds is None:
        return words(v.say("system.no_window"))
    return v.number("system.window_seconds")


def drafts(v: Values) -> Section:
    say = v.say
    names = ("certificate-902-13.md", "certificate-902-14.md", "zeugenerklaerung.md", "custody.md")
    items = tuple(f"{name}: {say.term('draft', name.removesuffix('.md'))}" for name in names)
    return Section("13", say("section.drafts"), (Words(say("drafts.lead")), Points(items)))


def verify(v: Values) -> Section:
    say, contents = v.say, v.contents
    blocks: list[Block] = [Words(say("verify.lead")), Words(say("verify.outside"), "box")]
    for text, command in contents.verify.steps:
        blocks.append(Words(cut(text, _SENTENCE)))
        if command:
            blocks.append(Words(cut(command, _COMMAND), "code"))
    blocks += [
        Words(say("verify.by_hand"), "sub"),
        *recipes(v),
        Words(say("verify.figures"), "sub"),
        Words(say("verify.recompute")),
        Figures(
            (
                v.figure("verify.origin", exact(contents.pin.origin)),
                v.figure("verify.size", v.number("pin.size")),
                v.figure("verify.root", exact(contents.pin.root)),
                v.figure("verify.checkpoint", exact(contents.pin.checkpoint_digest)),
                v.figure("verify.vkey", exact(contents.pin.vkey)),
            )
        ),
    ]
    return Section("14", say("section.verify"), tuple(blocks))


def recipes(v: Values) -> list[Block]:
    """Return commands of openssl alone, for signature and time stamps (RFC 8032, RFC 3161)."""
    say = v.say
    return [
        Words(say("verify.script")),
        Words("python3 verify.py . --vkey 'VKEY' --tsa-root ROOTS.pem", "code"),
        Words(say("verify.signature")),
        Words(
            "VKEY='VKEY'; T=$(mktemp -d)\n"
            "(printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000';"
            ' printf %s "$VKEY" | cut -d+ -f3- | base64 -d | tail -c 32) > $T/k.der\n'
            "sed '/^$/,$d' log/checkpoint > $T/body\n"
            "tail -n 1 log/checkpoint | cut -d' ' -f3 | base64 -d | tail -c 64 > $T/sig\n"
            "openssl pkeyutl -verify -pubin -keyform DER -inkey $T/k.der -rawin -in $T/body -sigfile $T/sig",
            "code",
        ),
        Words(say("verify.stamp")),
        Words(
            "openssl ts -reply -in anchors/N.NAME.tsr -text\n"
            "openssl ts -verify -data anchors/N.checkpoint -in anchors/N.NAME.tsr -CAfile ROOTS.pem"
            " -attime SECONDS",
            "code",
        ),
    ]
