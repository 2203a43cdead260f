"""Writes the samples of `docs/samples`: `make samples`."""

from __future__ import annotations

# isort: off
from samples import fixed
# isort: on

import io
import os
import shutil
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from samples import story
from samples.site import LABEL, clear_environment
from vorbehalt.cli.app import run

LETTERHEAD = f"""\
MUSTER · SAMPLE · EXEMPLE
{LABEL}
Musterkai 1
20000 Musterhafen
rechte@label.example
"""
ADDRESSEES = """\
operator,legal_name,kind,seat,address,country,eu_representative,rights_contact,email,language,source,date
Muster Sprachmodelle,Muster Sprachmodelle AG,company,Musterstadt,Beispielgasse 2|10000 Musterstadt,DE,,\
Rechtsabteilung,recht@muster.example,de,invented,2026-09-20
beispiel-ai,Beispiel AI GmbH,company,Beispielstadt,Beispielweg 3|30000 Beispielstadt,DE,,\
Urheberrecht,urheberrecht@ai.beispiel.example,de,invented,2026-09-20
exemple-ia,Exemple IA SA,company,Villexemple,4 rue de l’Exemple|75000 Villexemple,FR,,\
Service juridique,droits@ia.exemple.example,fr,invented,2026-09-20
sample-models,Sample Models Inc.,company,Sampletown,5 Sample Street|Sampletown,US,\
"Sample Models Europe Ltd, Dublin",Copyright Agent,copyright@models.sample.example,en,invented,2026-09-20
"""
DOSSIER = "dossier"
KEPT_OF_DOSSIER = ("report.html", "report.pdf", "*.md")
PERSON = "Erika Muster"
POST = "Einschreiben (erfunden)"


class Desk:
    """The label's desk: the real commands, in the folder of its site."""

    def __init__(self, folder: Path, out: Path) -> None:
        self.folder, self.out = folder, out
        (folder / "letterhead.txt").write_text(LETTERHEAD, "utf-8")
        (folder / "addressees.csv").write_text(ADDRESSEES, "utf-8")

    def vorbehalt(self, *arguments: str) -> str:
        """Run a command; returns what it printed. Raises RuntimeError if it fails."""
        said, told = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        sys.argv = ["vorbehalt", *arguments]
        code: object = 0
        with redirect_stdout(said), redirect_stderr(told):
            try:
                run()
            except SystemExit as ended:
                code = ended.code
        out, err = (stream.buffer.getvalue().decode() for stream in (said, told))
        if code:
            raise RuntimeError(f"vorbehalt {' '.join(arguments)}: {code}\n{out}{err}")
        return out

    def letter(self, kind: str, operator: str, language: str, *more: str, sent: str = "") -> None:
        """Write a letter, enter that it went out, and keep it among the samples."""
        self.vorbehalt(
            "notice", "write", "--kind", kind, "--operator", operator, "--lang", language,
            "--addressees", "addressees.csv", "--letterhead", "letterhead.txt",
            "--approved-by", PERSON, "--out", "letters", *more,
        )  # fmt: skip
        (folder,) = (path for path in Path("letters").iterdir() if path.is_dir())
        if sent:
            self.vorbehalt("notice", "sent", folder.name[:9], "--channel", sent, "--who", PERSON)
        for form in ("html", "pdf", "txt"):
            target = self.out / "letters" / f"{kind}-{language}.{form}"
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / f"letter.{form}", target)
        shutil.rmtree("letters")

    def report(self, language: str) -> None:
        for form in ("html", "pdf"):
            file = self.out / f"report-{language}.{form}"
            self.vorbehalt("report", "--month", "2026-10", "--lang", language, "-o", str(file))

    def dossier(self, language: str) -> None:
        made = f"dossier-{language}"
        self.vorbehalt(
            "dossier", "--operator", "beispiel-ai", "--from", "2026-10-01", "--to", "2026-11-01",
            "--custodian", PERSON, "--lang", language, "--no-record", "--out", made,
        )  # fmt: skip
        target = self.out / f"{DOSSIER}-{language}"
        target.mkdir()
        for pattern in KEPT_OF_DOSSIER:
            for file in sorted(Path(made).glob(pattern)):
                shutil.copyfile(file, target / file.name)


def make(folder: Path, out: Path) -> None:
    """Live through the story in one folder, and write the samples into another."""
    clear_environment()
    os.chdir(folder)
    desk = Desk(folder, out)
    story.before_the_letter(folder)
    story.until_the_letter(folder)
    fixed.now("2026-10-15T10:00")
    desk.letter("declaration", "Muster Sprachmodelle", "de", sent=POST)
    fixed.now("2026-10-15T12:00")
    desk.letter("factual", "beispiel-ai", "de", "--offer-licence", sent=POST)
    story.after_the_letter(folder)
    fixed.now("2026-11-02T09:00")
    for language in ("de", "en"):
        desk.report(language)
    fixed.now("2026-11-02T10:00")
    desk.letter("inquiry", "exemple-ia", "fr", "--month", "2026-10", sent=POST)
    desk.letter("factual", "sample-models", "en", "--month", "2026-10", "--offer-licence", sent=POST)
    desk.letter("gpai-complaint", "sample-models", "en", "--month", "2026-10", sent=POST)
    desk.letter("preservation", "sample-models", "en", sent=POST)
    desk.letter("impostor-report", "beispiel-ai", "de", "--month", "2026-10", sent=POST)
    story.november(folder)
    fixed.now("2026-11-09T09:00")
    desk.letter("reminder", "beispiel-ai", "de", sent=POST)
    fixed.now("2026-11-10T09:00")
    for language in ("de", "en"):
        desk.dossier(language)


def main() -> None:
    (out,) = map(Path, sys.argv[1:])
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("report-*"), *out.glob("dossier-*"), *out.glob("letters")):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), out)
        os.chdir(out)


if __name__ == "__main__":
    main()
