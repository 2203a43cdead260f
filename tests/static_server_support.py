"""Real nginx, Caddy and Apache with the exported files, laid out as their comments say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence

import pytest

from static_site_support import Exported

# The workers of nginx and Apache leave root for a user that cannot read a test's folder.
IS_ROOT = os.geteuid() == 0
Started = tuple[Sequence[str], dict[str, str]]
Start = Callable[..., Started]
"""Lays out a server for a site on a port, with lines of the site's own; gives its command and environment."""

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


def nginx(site: Exported, port: int, own: str = "") -> Started:
    """The exported example as it is, but for the port and the folder."""
    folder = site.folder / "nginx"
    shutil.copytree(site.root / "server" / "nginx", folder)
    example = (folder / "example.conf").read_text()
    example = example.replace("listen 80", f"listen 127.0.0.1:{port}")
    example = example.replace("/var/www/html", str(site.root))
    example = example.rstrip().removesuffix("}") + own + "}"
    main = NGINX.format(user="user root;" if IS_ROOT else "", folder=folder, example=example)
    (folder / "nginx.conf").write_text(main)
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "error.log")], {}


CADDY_ERRORS = """
\thandle_errors {{
\t\timport vorbehalt_errors
{page}
\t}}
"""


def caddy(site: Exported, port: int, own: str = "") -> Started:
    folder = site.folder / "caddy"
    shutil.copytree(site.root / "server" / "caddy", folder)
    (folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n}\nimport vorbehalt.caddy\n"
        f"http://label.example:{port} {{\n\tbind 127.0.0.1\n\timport vorbehalt\n"
        f"\troot * {site.root}\n\tfile_server\n"
        f"{own or CADDY_ERRORS.format(page='')}}}\n"
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
{own}
{ours}
"""
MODULES = "mpm_event authz_core headers setenvif mime dir alias proxy proxy_http"


def apache(site: Exported, port: int, own: str = "", *, htaccess: bool = False) -> Started:
    folder = site.folder / "apache"
    folder.mkdir()
    exported = site.root / "server" / "apache" / "vorbehalt.conf"
    if htaccess:
        shutil.copy(exported, site.root / ".htaccess")
    main = APACHE.format(
        folder=folder,
        port=port,
        root=site.root,
        own=own,
        user="User www-data\nGroup www-data" if IS_ROOT else "",
        modules="\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES.split()
        ),
        ours="" if htaccess else f"Include {exported}",
    )
    (folder / "apache.conf").write_text(main)
    return ["apache2", "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"], {}


def htaccess(site: Exported, port: int, own: str = "") -> Started:
    return apache(site, port, own, htaccess=True)


SERVERS = [
    pytest.param(nginx, marks=pytest.mark.real("nginx")),
    pytest.param(caddy, marks=pytest.mark.real("caddy")),
    pytest.param(apache, marks=pytest.mark.real("apache2")),
    pytest.param(htaccess, marks=pytest.mark.real("apache2")),
]
