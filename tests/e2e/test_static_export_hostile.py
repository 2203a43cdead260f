"""Values that no configuration lets through harm no server all the same; fixed includes; two hosts in one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from process_support import free_port, running, vorbehalt
from static_server_support import IS_ROOT, NGINX, SERVERS, Start
from static_site_support import BY_PATH, SITE, Asked, Exported, fetch
from terms_support import Terms
from vorbehalt.reservation.bundle import render
from vorbehalt.reservation.exports import export
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses

OPEN = Uses("allow", "allow", "allow", "allow")
HOSTILE = "/li'c$uri{n}\"s%{x}e;\\x#!%41`.xml"
TERMS = Terms("https://label.example", rsl_path=HOSTILE, tdm_policy_path='/p$1{n}"q\\;.json')


def laid_out(folder: Path, terms: Terms) -> Any:
    """The files of terms that were never read from a configuration, where a server finds them."""
    root = folder / "www"
    for name, body in export(terms, render(terms, None, ())).files.items():
        if name.startswith("server/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(body)
    (root / "index.html").write_text("home")
    return SimpleNamespace(folder=folder, root=root)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("media", [(), ("text/html",)], ids=["by path", "by media"])
def test_a_hostile_value_arrives_as_it_is(server: Start, media: tuple[str, ...], readable: Path) -> None:
    section = Section('a"b;}c', ("/",), Uses(), media=media)
    terms = replace(TERMS, uses=OPEN, sections=(section,))
    site, port = laid_out(readable, terms), free_port()
    arguments, environment = server(site, port)

    with running(arguments, port, readable, environment):
        answer = fetch(port, Asked("GET", "/", {}))

    assert answer.status == 200
    headers = render(terms, None, ()).sections[section.name].headers
    assert answer.told == sorted((name.decode(), value.decode("latin-1")) for name, value in headers)


@pytest.mark.real("nginx")
def test_the_fixed_include_of_a_part_needs_nothing_else(readable: Path) -> None:
    site, port = Exported(readable, BY_PATH), free_port()
    folder = readable / "nginx"
    shutil.copytree(site.root / "server" / "nginx", folder)
    example = f"""
    server {{
        listen 127.0.0.1:{port};
        root {site.root};
        include vorbehalt/headers-rest.conf;
        location /press/ {{ include vorbehalt/headers-press.conf; add_header X-Own 1; }}
    }}"""
    main = NGINX.format(user="user root;" if IS_ROOT else "", folder=folder, example=example)
    (folder / "nginx.conf").write_text(main)
    nginx = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]

    with running(nginx, port, readable):
        answers = [fetch(port, Asked("GET", path, {})) for path in ("/", "/press/", "/nowhere")]

    assert [answer.told for answer in answers] == [site.expected(answer) for answer in answers]
    assert answers[1].value("x-own") == "1"


@pytest.mark.real("nginx")
def test_two_hosts_live_in_one_nginx(readable: Path) -> None:
    other = '[[host]]\nnames = ["archive.example"]\nsite = { origin = "https://archive.example" }\n'
    (readable / "vorbehalt.toml").write_text(SITE + other)
    port, servers = free_port(), ""
    folder = readable / "nginx"
    for host, name, prefix in (
        ("label.example", "one", "vorbehalt"),
        ("archive.example", "two", "vorbehalt_archive_example"),
    ):
        done = vorbehalt("signals", "--write", name, "--host", host, folder=readable)
        assert done.returncode == 0, done.stderr
        shutil.copytree(readable / name / "server" / "nginx" / prefix, folder / prefix)
        servers += f"""
    include {prefix}/maps.conf;
    server {{
        listen 127.0.0.1:{port};
        server_name {host};
        root {readable / name};
        include {prefix}/headers.conf;
        include {prefix}/documents.conf;
    }}"""
    main = NGINX.format(user="user root;" if IS_ROOT else "", folder=folder, example=servers)
    (folder / "nginx.conf").write_text(main)
    nginx = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")]

    with running(nginx, port, readable):
        told = [
            fetch(port, Asked("GET", "/license.xml", {"Host": host})).value("link")
            for host in ("label.example", "archive.example")
        ]

    assert [link[1 : link.index(">")] for link in told] == [
        "https://label.example/license.xml",
        "https://archive.example/license.xml",
    ]
