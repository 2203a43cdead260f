"""`signals --write`: what is written, what is never lost, and what is said."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vorbehalt.cli import signals_write

Cli = Callable[..., Any]


@pytest.fixture
def public(tmp_path: Path) -> Path:
    return tmp_path / "public"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reserve_less(site: Path) -> None:
    """Other terms, so that nearly every file is another."""
    site.write_text(site.read_text().replace("[reservation]", '[reservation]\nai_input = "allow"', 1))


def test_json_names_what_was_written_and_is_else_as_before(cli: Cli, site: Path, public: Path) -> None:
    shown = cli("signals", "--json").json
    found = cli("signals", "--json", "--write", "public")

    assert list(found.json) == ["path", "headers", "documents", "digest", "written"]
    assert {key: found.json[key] for key in shown} == shown
    assert {Path(path) for path in found.json["written"]} == {
        Path("public") / name for name in contents(public) if name != "server/written.json"
    }
    assert [line for line in found.err.splitlines() if line.startswith("wrote ")] == [
        f"wrote {path}" for path in found.json["written"]
    ]


def test_writing_again_replaces_what_was_written_and_leaves_the_rest(
    cli: Cli, site: Path, public: Path
) -> None:
    assert cli("signals", "--write", "public").code == 0
    (public / "index.html").write_text("the site")
    before = contents(public)
    reserve_less(site)

    assert cli("signals", "--write", "public").code == 0

    after = contents(public)
    assert after.keys() == before.keys()
    assert after["index.html"] == b"the site"
    assert after["server/caddy/vorbehalt.caddy"] != before["server/caddy/vorbehalt.caddy"]
    assert after["robots.txt"] != before["robots.txt"]


@pytest.mark.parametrize(
    "name", ["robots.txt", ".well-known/tdmrep.json", "server/nginx/vorbehalt/maps.conf"]
)
def test_a_file_of_somebody_else_is_not_replaced_and_nothing_is_written(
    cli: Cli, site: Path, public: Path, name: str
) -> None:
    (public / name).parent.mkdir(parents=True)
    (public / name).write_text("mine")

    refused = cli("signals", "--write", "public")

    assert refused.code == 2
    assert f"public/{name} was not written by us" in refused.err
    assert refused.err.rstrip().endswith("nothing was written")
    assert contents(public) == {name: b"mine"}
    assert ("[site] robots" in refused.err) == (name == "robots.txt")

    forced = cli("signals", "--write", "public", "--force")

    assert forced.code == 0
    assert (public / name).read_bytes() != b"mine"


def test_all_files_in_the_way_are_named_at_once(cli: Cli, site: Path, public: Path) -> None:
    public.mkdir()
    for name in ("robots.txt", "license.xml"):
        (public / name).write_text("mine")

    refused = cli("signals", "--write", "public")

    assert "public/robots.txt" in refused.err
    assert "public/license.xml" in refused.err


def test_a_file_of_ours_that_was_changed_by_hand_is_not_replaced(cli: Cli, site: Path, public: Path) -> None:
    cli("signals", "--write", "public")
    changed = public / "server" / "apache" / "vorbehalt.conf"
    changed.write_text(changed.read_text() + "# my own line\n")
    reserve_less(site)

    refused = cli("signals", "--write", "public")

    assert refused.code == 2
    assert "vorbehalt.conf was not written by us, or was changed since" in refused.err
    assert changed.read_text().endswith("# my own line\n")


def test_a_file_that_is_as_it_would_be_written_is_no_obstacle(cli: Cli, site: Path, public: Path) -> None:
    cli("signals", "--write", "public")
    (public / "server" / "written.json").unlink()

    assert cli("signals", "--write", "public").code == 0


def test_without_a_readable_list_files_that_differ_are_not_replaced(
    cli: Cli, site: Path, public: Path
) -> None:
    cli("signals", "--write", "public")
    (public / "server" / "written.json").write_text("[]")
    reserve_less(site)

    refused = cli("signals", "--write", "public")

    assert refused.code == 2
    assert "written.json cannot be read" in refused.err


def test_the_source_of_our_robots_file_is_never_replaced(cli: Cli, site: Path, public: Path) -> None:
    public.mkdir()
    own = "User-agent: *\nDisallow: /intern/\n"
    (public / "robots.txt").write_text(own)
    site.write_text(site.read_text().replace('"none"', '"file:public/robots.txt"', 1))

    for options in ((), ("--force",)):
        refused = cli("signals", "--write", "public", *options)
        assert refused.code == 2
        assert "the site's own robots.txt that [site] robots names" in refused.err
    assert contents(public) == {"robots.txt": own.encode()}


@pytest.mark.parametrize("link", ["robots.txt", "server", ".well-known"])
def test_no_link_leads_out_of_the_folder(
    cli: Cli, site: Path, public: Path, tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    target = outside / "file" if link == "robots.txt" else outside
    public.mkdir()
    (public / link).symlink_to(target)

    for options in ((), ("--force",)):
        refused = cli("signals", "--write", "public", *options)
        assert refused.code == 2
        assert "by a symbolic link" in refused.err
    assert contents(outside) == {}
    assert [path.name for path in public.iterdir()] == [link]


def test_a_link_to_the_folder_itself_is_followed(cli: Cli, site: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "public").symlink_to("real")

    assert cli("signals", "--write", "public").code == 0
    assert (tmp_path / "real" / "robots.txt").is_file()


def test_a_folder_in_the_way_is_named(cli: Cli, site: Path, public: Path) -> None:
    (public / "robots.txt").mkdir(parents=True)

    refused = cli("signals", "--write", "public", "--force")

    assert refused.code == 2
    assert "public/robots.txt is no file" in refused.err


def test_a_folder_that_cannot_be_made_is_named(cli: Cli, site: Path, public: Path) -> None:
    public.write_text("a file")

    refused = cli("signals", "--write", "public")

    assert refused.code == 2
    assert "Not a directory" in refused.err or "File exists" in refused.err
    assert "public" in refused.err


def test_what_is_written_is_whole_or_not_there(
    cli: Cli, site: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("signals", "--write", "public")
    before = contents(public)
    reserve_less(site)
    real = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == "license.xml":
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", full)
    failed = cli("signals", "--write", "public")
    monkeypatch.setattr(Path, "replace", real)

    assert failed.code == 2
    assert "the disk is full: what was being written is not there" in failed.err
    assert contents(public)["license.xml"] == before["license.xml"]
    assert contents(public).keys() == before.keys(), "something half written was left"
    # What was replaced before the fault is still known to be ours.
    assert cli("signals", "--write", "public").code == 0


def test_new_files_can_be_read_by_a_server_and_old_ones_keep_their_permissions(
    cli: Cli, site: Path, public: Path
) -> None:
    old = os.umask(0o022)
    try:
        cli("signals", "--write", "public")
        (public / "license.xml").chmod(0o640)
        reserve_less(site)
        cli("signals", "--write", "public")
    finally:
        os.umask(old)

    assert (public / "robots.txt").stat().st_mode & 0o777 == 0o644
    assert (public / "license.xml").stat().st_mode & 0o777 == 0o640


def test_what_is_no_longer_written_is_named_and_left(cli: Cli, site: Path, public: Path) -> None:
    cli("signals", "--write", "public")
    site.write_text(site.read_text().replace('name = "press"', 'name = "news"'))

    for _ in range(2):
        told = cli("signals", "--write", "public")
        assert (
            "no longer written, and left as it is: public/server/nginx/vorbehalt/headers-press.conf"
            in told.err
        )
    assert (public / "server/nginx/vorbehalt/headers-press.conf").is_file()
    assert (public / "server/nginx/vorbehalt/headers-news.conf").is_file()


def test_other_hosts_are_named_and_a_host_is_chosen(cli: Cli, site: Path, public: Path) -> None:
    default = cli("signals", "--write", "public")
    other = cli("signals", "--write", "archive", "--host", "archive.example")
    unknown = cli("signals", "--write", "third", "--host", "nowhere.example")

    assert "written for https://label.example; other hosts (--host): archive.example" in default.err
    assert "written for https://archive.example; other hosts (--host): the default host" in other.err
    assert "nowhere.example is no further host of this configuration" in unknown.err
    archive = public.with_name("archive")
    assert (
        "https://archive.example/license.xml"
        in (archive / "server/nginx/vorbehalt_archive_example/headers-rest.conf").read_text()
    )


def test_where_a_server_can_say_less_is_said(cli: Cli, site: Path) -> None:
    site.write_text(site.read_text() + '\n[[reservation.section]]\nname = "s"\nmedia = ["audio/*"]\n')

    told = cli("signals", "--write", "public")

    assert "server/traefik: it knows no media types" in told.err


def test_the_list_of_what_was_written_holds_no_more_than_names_and_digests(
    cli: Cli, site: Path, public: Path
) -> None:
    cli("signals", "--write", "public")

    listed = json.loads((public / "server" / "written.json").read_text())
    assert listed["about"] == signals_write._ABOUT
    assert listed["files"].keys() == contents(public).keys() - {"server/written.json"}
    assert all(len(digest) == 64 for (digest,) in listed["files"].values())


def test_no_secret_of_the_configuration_is_in_any_file(cli: Cli, site: Path, public: Path) -> None:
    site.write_text(site.read_text() + '\n[sidecar]\nsecret = "do-not-tell-this-to-anybody"\n')

    assert cli("signals", "--write", "public").code == 0

    assert not any(b"do-not-tell" in body for body in contents(public).values())
