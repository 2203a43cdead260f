"""[[evidence.anchors]]: each form, its defaults, and what needs an extra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trustme

from vorbehalt.evidence.anchor.targets import CopyTarget, TimeStamper, WitnessTarget
from vorbehalt.evidence.tlog.cosignature import Cosigner
from vorbehalt.settings import anchors, describe

HEAD = 'format = 1\n[site]\norigin = "https://label.example"\n'
VKEY = Cosigner("lawyers.example/witness", bytes(32)).witness.vkey


@pytest.fixture
def pem(tmp_path: Path) -> str:
    trustme.CA().cert_pem.write_to_path(tmp_path / "root.pem")
    return (tmp_path / "root.pem").read_text()


def test_every_form_with_its_defaults(load_text: Any, pem: str, tmp_path: Path) -> None:
    text = f"""
[[evidence.anchors]]
rfc3161 = "http://tsa.example/tsr"
root = "root.pem"
[[evidence.anchors]]
rfc3161 = "https://qualified.example"
root = "root.pem"
qualified = true
policy = "0.4.0.2023.1.1"
[[evidence.anchors]]
witness = "https://lawyers.example/w/"
vkey = "{VKEY}"
every = "1h"
[[evidence.anchors]]
copy = "checkpoints"
[[evidence.anchors]]
copy = "mails"
name = "counsel"
form = "eml"
to = "counsel@lawyers.example"
from = "evidence@label.example"
"""
    settings = load_text(HEAD + text)

    assert settings.evidence.anchors == (
        TimeStamper("tsa.example", "http://tsa.example/tsr", pem),
        TimeStamper("qualified.example", "https://qualified.example", pem, True, "0.4.0.2023.1.1", 86_400),
        WitnessTarget("lawyers.example", "https://lawyers.example/w/", VKEY, 3600),
        CopyTarget("copy", str(tmp_path / "checkpoints")),
        CopyTarget(
            "counsel", str(tmp_path / "mails"), "eml", "counsel@lawyers.example", "evidence@label.example"
        ),
    )
    assert [target.every_seconds for target in settings.evidence.anchors] == [
        600,
        86_400,
        3600,
        86_400,
        86_400,
    ]
    lines = [line for line in describe(settings) if line.startswith("Anchor ")]
    assert lines[1] == (
        "Anchor qualified.example: qualified time stamps by https://qualified.example, every 1440 minutes, if"
        " the log has grown."
    )
    assert len(lines) == 5


def test_another_root_is_another_configuration(load_text: Any, pem: str, tmp_path: Path) -> None:
    text = HEAD + '[[evidence.anchors]]\nrfc3161 = "https://tsa.example"\nroot = "root.pem"\n'
    before = load_text(text).digest
    trustme.CA().cert_pem.write_to_path(tmp_path / "root.pem")

    assert load_text(text).digest != before


def test_an_address_as_host_gives_a_name_that_files_can_bear(load_text: Any) -> None:
    text = f'{HEAD}[[evidence.anchors]]\nwitness = "http://[::1]:8190/"\nvkey = "{VKEY}"\n'

    assert load_text(text).evidence.anchors[0].name == "1"


@pytest.mark.parametrize("module", ["rfc3161_client", "asn1crypto"])
def test_time_stamps_without_the_extra_are_off_and_said(
    module: str, load_text: Any, pem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchors, "find_spec", lambda name: None if name == module else name)
    text = '[[evidence.anchors]]\nrfc3161 = "https://tsa.example"\nroot = "root.pem"\n'
    copy = '[[evidence.anchors]]\ncopy = "checkpoints"\n'

    settings = load_text(HEAD + text + copy)

    assert [target.kind for target in settings.evidence.anchors] == ["copy"]
    (said,) = [problem for problem in settings.warnings if problem.id == "V105"]
    assert (said.line, "vorbehalt[anchor]" in said.message) == (5, True)
