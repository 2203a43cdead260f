"""Real servers with the exported files tell, with every answer, exactly what the middleware would tell."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from process_support import free_port, running
from static_site_support import CONFIGS, Asked, Exported, ask_all, fetch

# The workers of nginx and Apache leave root for a user that cannot read a test's folder.
IS_ROOT = os.geteuid() == 0
Start = Callable[[Exported, int], tuple[Sequence[str], dict[str, str]]]

NGINX = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    default_type application/octet-stream;
    types {{ text/html html; image/png png; audio/mpeg mp3; audio/flac flac; text/xml xml; }}
    client_body_temp_path {folder}/tmp1; proxy_temp_path {folder}/tmp2; fastcgi_temp_path {folder}/tmp3;
    uwsgi_temp_path {folder}/tmp4; scgi_temp_path {folder}/tmp5;
    {example}
}}
"""


def nginx(site: Exported, port: int) -> tuple[Sequence[str], dict[str, str]]:
    """The exported example as it is, but for the port and the folder."""
    folder = site.folder / "nginx"
    shutil.copytree(site.root / "server" / "nginx", folder)
    example = (folder / "example.conf").read_text()
    example = example.replace("listen 80", f"listen 127.0.0.1:{port}")
    example = example.replace("/var/www/html", str(site.root))
    main = NGINX.format(user="user root;" if IS_ROOT else "", folder=folder, example=example)
    (folder / "nginx.conf").write_text(main)
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")], {}


def caddy(site: Exported, port: int) -> tuple[Sequence[str], dict[str, str]]:
    folder = site.folder / "caddy"
    shutil.copytree(site.root / "server" / "caddy", folder)
    (folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n}\nimport vorbehalt.caddy\n"
        f"http://label.example:{port} {{\n\tbind 127.0.0.1\n\timport vorbehalt\n"
        f"\troot * {site.root}\n\tfile_server\n}}\n"
    )
    homes = {"XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"], homes


APACHE = """\
ServerRoot {folder}
PidFile {folder}/pid
Listen 127.0.0.1:{port}
ServerName label.example
ErrorLog {folder}/error.log
{user}
{modules}
<Directory "{root}">
    Require all granted
    AllowOverride FileInfo
    Options FollowSymLinks
</Directory>
DocumentRoot "{root}"
TypesConfig /dev/null
DirectoryIndex index.html
AddType text/html .html
AddType image/png .png
AddType audio/mpeg .mp3
AddType audio/flac .flac
AddType text/xml .xml
{ours}
"""
MODULES = "mpm_event authz_core headers setenvif mime dir alias"


def apache(site: Exported, port: int, *, htaccess: bool = False) -> tuple[Sequence[str], dict[str, str]]:
    folder = site.folder / "apache"
    folder.mkdir()
    exported = site.root / "server" / "apache" / "vorbehalt.conf"
    if htaccess:
        shutil.copy(exported, site.root / ".htaccess")
    main = APACHE.format(
        folder=folder,
        port=port,
        root=site.root,
        user="User www-data\nGroup www-data" if IS_ROOT else "",
        modules="\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES.split()
        ),
        ours="" if htaccess else f"Include {exported}",
    )
    (folder / "apache.conf").write_text(main)
    return ["apache2", "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"], {}


def htaccess(site: Exported, port: int) -> tuple[Sequence[str], dict[str, str]]:
    return apache(site, port, htaccess=True)


SERVERS = [
    pytest.param(nginx, marks=pytest.mark.real("nginx")),
    pytest.param(caddy, marks=pytest.mark.real("caddy")),
    pytest.param(apache, marks=pytest.mark.real("apache2")),
    pytest.param(htaccess, marks=pytest.mark.real("apache2")),
]


@pytest.fixture
def readable(tmp_path: Path) -> Path:
    """A folder that a server can read that has left root."""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


def differences(site: Exported, answers: list[Asked]) -> list[str]:
    return [
        f"{answer.title}: {answer.told} instead of {expected}"
        for answer in answers
        if answer.told != (expected := site.expected(answer))
    ]


@pytest.mark.parametrize("config", list(CONFIGS))
@pytest.mark.parametrize("server", SERVERS)
def test_every_answer_of_a_server_says_what_the_middleware_would_say(
    server: Start, config: str, readable: Path
) -> None:
    site, port = Exported(readable, CONFIGS[config]), free_port()
    arguments, environment = server(site, port)

    with running(arguments, port, readable, environment):
        answers = list(ask_all(port))
        documents = {path: fetch(port, Asked("GET", path, {})) for path in site.documents}

    assert {answer.status for answer in answers} == {200, 206, 304, 404}
    assert differences(site, answers) == []
    assert differences(site, list(documents.values())) == []
    for path, document in site.documents.items():
        answer = documents[path]
        assert (answer.status, answer.body) == (200, document.body)
        assert answer.value("content-type") == document.media_type
        assert [(name, answer.value(name.lower())) for name, _ in document.headers] == list(document.headers)
