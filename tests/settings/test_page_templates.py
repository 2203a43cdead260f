"""`reservation.page_template`: which file, what is wrong with it, and that its text counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.errors import ConfigError
from vorbehalt.settings import page_templates

HEAD = 'format = 1\n[site]\norigin = "https://label.example"\n[reservation]\n'
FRAME = "<main>\n$declaration\n$parts\n$contacts\n</main>\n"


def messages(load_text: Any, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_text(text)
    assert {(problem.line, problem.id) for problem in caught.value.problems} == {(5, "V032")}
    return [problem.message for problem in caught.value.problems]


def test_one_file_serves_all_languages(load_text: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(FRAME)
    host = load_text(HEAD + 'page_template = "file:page.html"\n').default_host
    assert host.terms.page_templates == (("en", FRAME), ("de", FRAME), ("fr", FRAME))
    assert host.page_template_files == (str(tmp_path / "page.html"),)


def test_a_file_for_each_language(load_text: Any, tmp_path: Path) -> None:
    for language in ("de", "en", "fr"):
        (tmp_path / f"{language}.html").write_text(FRAME + language)
    host = load_text(HEAD + 'page_template = "file:{language}.html"\n').default_host
    assert dict(host.terms.page_templates) == {each: FRAME + each for each in ("de", "en", "fr")}
    assert sorted(host.page_template_files) == [str(tmp_path / f"{each}.html") for each in ("de", "en", "fr")]


def test_without_the_key_the_page_is_ours(load_text: Any) -> None:
    host = load_text(HEAD).default_host
    assert (host.terms.page_templates, host.page_template_files) == ((), ())


def test_a_changed_frame_is_a_changed_configuration(load_text: Any, tmp_path: Path) -> None:
    text = HEAD + 'page_template = "file:page.html"\n'
    (tmp_path / "page.html").write_text(FRAME)
    before = load_text(text).digest
    assert load_text(text).digest == before
    (tmp_path / "page.html").write_text(FRAME + "<p>More.</p>")
    assert load_text(text).digest != before


def test_hosts_may_have_frames_of_their_own(load_text: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(FRAME)
    (tmp_path / "other.html").write_text(FRAME + "other")
    settings = load_text(
        HEAD + 'page_template = "file:page.html"\n[[host]]\nnames = ["a.example"]\n[[host]]\n'
        'names = ["b.example"]\nreservation = { page_template = "file:other.html" }\n'
    )
    assert [host.page_template_files for host in settings.hosts] == [
        (str(tmp_path / "page.html"),),
        (str(tmp_path / "other.html"),),
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            FRAME.encode() + b"\n<p>$contact</p>",
            ":7: there is no placeholder $contact; did you mean $contacts?",
        ),
        (FRAME.encode() + b"5 $", ":6: a $ that begins no placeholder is written $$"),
        (FRAME.replace("$parts\n", "").encode(), ":1: $parts is missing from the text"),
        (FRAME.encode() + b"\n\xe4", ":7: the file is not UTF-8"),
        (FRAME.encode() + b" " * page_templates.MAX_BYTES, " is larger than 512 KiB"),
    ],
)
def test_what_is_wrong_is_named_with_the_line_of_the_file(
    body: bytes, says: str, load_text: Any, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_bytes(body)
    (message,) = messages(load_text, HEAD + 'page_template = "file:page.html"\n')
    assert message.startswith(f"{tmp_path / 'page.html'}{says}")


def test_a_file_of_any_editor_is_read(load_text: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(b"\xef\xbb\xbf" + FRAME.replace("\n", "\r\n").encode())
    host = load_text(HEAD + 'page_template = "file:page.html"\n').default_host
    assert dict(host.terms.page_templates)["de"] == FRAME


def test_a_file_that_cannot_be_read_is_named(
    load_text: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = tmp_path / "page.html"
    frame.write_text(FRAME)
    opening = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == frame:
            raise PermissionError(13, os.strerror(13))
        return opening(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    assert messages(load_text, HEAD + 'page_template = "file:page.html"\n') == [
        f"{frame} cannot be read: Permission denied"
    ]
