"""`signals`: what machines are told, shown and written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]
DOCUMENTS = [
    "/.well-known/tdm-policy.json",
    "/.well-known/tdmrep.json",
    "/ai-policy",
    "/license.xml",
    "/robots.txt",
]


def test_json_has_the_keys_of_the_contract(cli: Cli, site: Path) -> None:
    found = cli("signals", "--json", "/lyrics/1")

    assert found.code == 0
    assert list(found.json) == ["path", "headers", "documents", "digest"]
    assert found.json["path"] == "/lyrics/1"
    assert ["tdm-reservation", "1"] in found.json["headers"]
    assert sorted(found.json["documents"]) == DOCUMENTS
    for where, document in found.json["documents"].items():
        more = ["language", "languages"] if where == "/ai-policy" else []
        assert list(document) == ["media_type", "body", *more]
    assert "User-agent: GPTBot" in found.json["documents"]["/robots.txt"]["body"]


def test_a_section_has_its_own_headers(cli: Cli, site: Path) -> None:
    headers = dict(cli("signals", "--json", "/press/a?x#y").json["headers"])

    assert headers["tdm-reservation"] == "0"
    assert "tdm-policy" not in headers


def test_a_host_has_its_own_documents(cli: Cli, site: Path) -> None:
    found = cli("signals", "--json", "--host", "Archive.Example:443").json

    assert "https://archive.example/license.xml" in dict(found["headers"])["link"]


def test_what_is_written_is_what_is_shown(cli: Cli, site: Path, tmp_path: Path) -> None:
    shown = cli("signals", "--json", "--write", "public").json

    written = {
        "/" + str(path.relative_to(tmp_path / "public")): path.read_text("utf-8")
        for path in (tmp_path / "public").rglob("*")
        if path.is_file() and "server" not in path.parts
    }
    # Hosts of static files go by the extension.
    assert written.pop("/ai-policy.html") == written["/ai-policy"]
    page = shown["documents"].pop("/ai-policy")
    assert page["body"] == page["languages"][page["language"]]
    # No query chooses among files: they link to one another instead.
    files = {
        f"/ai-policy.{language}.html": re.sub(r"\?lang=(..)", r".\1.html", body)
        for language, body in page["languages"].items()
    }
    assert set(page["languages"]) == {"de", "en", "fr"}
    others = {where: document["body"] for where, document in shown["documents"].items()}
    assert written == {**others, **files, "/ai-policy": files[f"/ai-policy.{page['language']}.html"]}


def test_plain_output_names_the_other_languages_of_the_page(cli: Cli, site: Path) -> None:
    out = cli("signals").out

    assert out.count("<!doctype html>") == 1
    assert "\nalso in de: /ai-policy?lang=de\n" in out


def test_the_sites_own_robots_file_is_kept(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("User-agent: *\nDisallow: /intern/\n")
    site.write_text(site.read_text().replace('"none"', '"file:own.txt"', 1))

    body = cli("signals", "--json").json["documents"]["/robots.txt"]["body"]

    assert "Disallow: /intern/" in body
    assert "User-agent: GPTBot" in body


def test_rules_that_only_the_running_app_knows_are_named(cli: Cli, site: Path) -> None:
    quiet = cli("signals")
    site.write_text(site.read_text().replace('robots = "none"\n', "", 1))
    told = cli("signals")

    assert quiet.err == ""
    assert "robots.txt is shown without the site's own rules" in told.err


def test_plain_output_shows_headers_documents_and_digest(cli: Cli, site: Path) -> None:
    found = cli("signals", "/lyrics/1")
    digest = cli("signals", "--json").json["digest"]

    assert "  tdm-reservation: 1\n" in found.out
    assert "\n/robots.txt (text/plain; charset=utf-8):\n" in found.out
    assert found.out.endswith(f"digest of the whole set: {digest}\n")
    assert len(digest) == len(hashlib.sha256().hexdigest())


def test_a_missing_robots_file_is_named(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text().replace('"none"', '"file:nowhere.txt"', 1))

    result = cli("signals")

    assert result.code == 2
    assert "vorbehalt.toml:8: V028" in result.err
