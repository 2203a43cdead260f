"""The files beside the report: drafts for counsel, sections as Markdown, and how to verify by hand."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dossier_page_support import SAMPLES, empty, full
from vorbehalt.claims.dossier.page import LANGUAGES, pages

FILES = {
    "README.txt", "VERIFY.md", "certificate-902-13.md", "certificate-902-14.md", "custody.md",
    "exculpatory.md",
    "limitations.md", "report.html", "report.pdf", "system-description.md", "zeugenerklaerung.md",
}  # fmt: skip
MARKDOWN = sorted(name for name in FILES if name.endswith(".md"))


def tokens(text: str) -> list[Token]:
    found: list[Token] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found += [token, *(token.children or ())]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_dossier_has_all_files_in_utf_8(name: str, language: str) -> None:
    made = pages(SAMPLES[name](language))

    assert set(made) == FILES
    for file in FILES - {"report.pdf"}:
        text = made[file].decode("utf-8")
        assert (
            re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text) == []
        ), file
        assert text.endswith("\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_words_make_no_html_link_or_heading_in_markdown(language: str) -> None:
    hostile, plain = pages(SAMPLES["hostile"](language)), pages(SAMPLES["full"](language))

    for name in MARKDOWN:
        found = tokens(hostile[name].decode())
        kinds = {token.type for token in found}
        assert kinds & {"html_inline", "html_block", "link_open", "image"} == set(), name
        headings = [token.content for at, token in enumerate(found) if token.type == "inline"
                    and found[at - 1].type == "heading_open"]  # fmt: skip
        usual = tokens(plain[name].decode())
        assert headings == [token.content for at, token in enumerate(usual) if token.type == "inline"
                            and usual[at - 1].type == "heading_open"], name  # fmt: skip


@pytest.mark.parametrize(("name", "blank"), [
    ("certificate-902-13.md", "[TO FILL IN: "), ("certificate-902-14.md", "[TO FILL IN: "),
    ("zeugenerklaerung.md", "[AUSZUFÜLLEN: "),
])  # fmt: skip
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_draft_says_so_first_and_leaves_to_a_person_what_only_a_person_knows(
    name: str, blank: str, language: str
) -> None:
    text = pages(full(language))[name].decode()

    assert text.startswith(("> **DRAFT FOR COUNSEL.**", "> **ENTWURF FÜR DEN ANWALT.**"))
    assert text.count(blank) >= 10
    for found in re.findall(re.escape(blank) + r"[^]]*\]", text):
        assert f"**{found}**" in text
    assert "\n\n\n\n" not in text


def test_the_certificate_of_a_system_holds_what_the_log_says() -> None:
    contents = full()
    text = pages(contents)["certificate-902-13.md"].decode()

    for value in (contents.pin.origin, contents.pin.root, contents.pin.checkpoint_digest,
                  contents.parties.configuration, *(one.config for one in contents.system.software),
                  *(one.rules_digest for one in contents.system.software)):  # fmt: skip
        assert f"`{value}`" in text
    assert "2026-09-01 to 2026-10-31 (UTC)" in text
    assert "Records in the period that say that the clock was set or not synchronised: 2." in text
    assert "Records in the period that say that records were lost or late: 2." in text
    assert "Statements of others about the log that are enclosed: 2." in text
    assert "I declare under penalty of perjury" in text
    assert "28 U.S.C. § 1746" in text


def test_a_log_that_does_not_verify_is_certified_by_no_draft() -> None:
    made = pages(SAMPLES["failed"]())

    for name in ("certificate-902-13.md", "certificate-902-14.md"):
        assert "The verification of the log found problems." in made[name].decode()
        assert "No problem was found" not in made[name].decode()
    assert "Die Prüfung des Protokolls hat Mängel ergeben." in made["zeugenerklaerung.md"].decode()
    assert "more problems in section 11: 280" in made["certificate-902-13.md"].decode()


def test_drafts_keep_the_language_of_their_law() -> None:
    english, german = pages(full("en")), pages(full("de"))

    assert (
        "Attributed" in english["limitations.md"].decode()
        or "Limitations" in english["limitations.md"].decode()
    )
    assert german["limitations.md"].decode().startswith("# Grenzen der Aussage")
    assert "Was das Protokoll von seiner Uhr sagt" in english["zeugenerklaerung.md"].decode()
    assert "What the log says of its clock" in german["certificate-902-13.md"].decode()


def test_sentences_of_ours_are_said_in_the_language_of_the_draft() -> None:
    from vorbehalt.claims.dossier.words import Words

    contents = full("de")
    said = Words("de", "OpenAI").statement("lim.gaps", gaps=7)
    changed = replace(contents, limitations=replace(contents.limitations, statements=(said,)))

    made = pages(changed)

    assert Words("de", "OpenAI").say("lim.gaps", gaps=7) in made["zeugenerklaerung.md"].decode()
    assert Words("en", "OpenAI").say("lim.gaps", gaps=7) in made["certificate-902-13.md"].decode()


def test_the_custody_sheet_begins_with_this_dossier_and_has_room() -> None:
    rows = [token for token in tokens(pages(full())["custody.md"].decode()) if token.type == "tr_open"]
    text = pages(full())["custody.md"].decode()

    assert "root n4bQgYhMfWWaL" in text
    assert "Nora Beispiel" in text
    assert len(rows) >= 1 + 1 + 1 + 7


def command_of(text: str, first: str) -> str:
    """A code block of VERIFY.md, as somebody copies it."""
    blocks = [token.content for token in tokens(text) if token.type in ("code_block", "fence")]
    (found,) = [block for block in blocks if block.startswith(first)]
    return found


@pytest.mark.real("openssl")
def test_the_signature_recipe_works_as_it_is_written_and_notices_a_change(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = b"\x01" + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    origin = "label.example/evidence"
    ident = hashlib.sha256(origin.encode() + b"\n" + public).digest()[:4]
    vkey = f"{origin}+{ident.hex()}+{base64.b64encode(public).decode()}"
    body = f"{origin}\n4\n{base64.b64encode(bytes(32)).decode()}\n"
    signature = base64.b64encode(ident + key.sign(body.encode())).decode()
    (tmp_path / "log").mkdir()
    (tmp_path / "tmp").mkdir()
    checkpoint = tmp_path / "log" / "checkpoint"
    checkpoint.write_text(f"{body}\n— {origin} {signature}\n", "utf-8")
    command = command_of(pages(empty())["VERIFY.md"].decode(), "VKEY=").replace("'VKEY'", f"'{vkey}'")

    def run() -> subprocess.CompletedProcess[bytes]:
        environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path / "tmp")}
        return subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            timeout=30,
            check=False,
        )

    good = run()
    checkpoint.write_text(checkpoint.read_text("utf-8").replace("\n4\n", "\n5\n"), "utf-8")
    bad = run()

    assert (good.returncode, b"Verified Successfully" in good.stdout) == (0, True), good.stderr
    assert bad.returncode == 1
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"log", "tmp"}, "nothing is left in the folder that is checked"
    keys = [path.read_bytes() for path in (tmp_path / "tmp").rglob("k.der")]
    assert keys == [bytes.fromhex("302a300506032b6570032100") + public[1:]] * 2


def test_the_key_must_come_from_elsewhere() -> None:
    text = pages(empty())["VERIFY.md"].decode()

    assert "must come from outside this folder" in text
    assert "sha256sum -c manifest.sha256" in text
    assert "openssl ts -verify" in text
