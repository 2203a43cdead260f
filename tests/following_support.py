"""A page of the docs on a proxy, prepared to be followed with a site behind it, on free ports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from arrangement_support import Arrangement
from guide_support import ROOT, Guide, different_ports
from process_support import GPTBOT, ask
from stand_in_site import Site, standing_in

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp1; proxy_temp_path {folder}/tmp2; fastcgi_temp_path {folder}/tmp3;
    uwsgi_temp_path {folder}/tmp4; scgi_temp_path {folder}/tmp5;
    include conf.d/*.conf;
    include sites-enabled/*;
}}
"""


@contextmanager
def following(
    page: str, folder: Path, *listen: tuple[str, str], behind: int | None = None
) -> Iterator[Arrangement]:
    """Prepare to follow a page. `listen` is how it writes the site's own port, and what to write instead.

    `behind` is the port of the site, if it is not the one that stands in for any.
    """
    web, sidecar, metrics, spare = different_ports(4)
    with nullcontext(Site(behind)) if behind is not None else standing_in() as site:
        swaps = {
            "127.0.0.1:8100": f"127.0.0.1:{sidecar}",
            "port_value: 8100": f"port_value: {sidecar}",
            "127.0.0.1:8101": f"127.0.0.1:{spare}",
            "127.0.0.1:9100": f"127.0.0.1:{metrics}",
            "127.0.0.1:8000": f"127.0.0.1:{site.port}",
            "port_value: 8000": f"port_value: {site.port}",
            "127.0.0.1:8080": f"127.0.0.1:{web}",
            "http://127.0.0.1/": f"http://127.0.0.1:{web}/",
            **{old: new.replace("WEB", str(web)) for old, new in listen},
            "/etc/": f"{folder}/etc/",
            "/var/log/": f"{folder}/log/",
            "/var/www/": f"{folder}/var/www/",
            "/srv/vorbehalt": f"{folder}/srv/vorbehalt",
            "/var/cache/": f"{folder}/var/cache/",
            "https://www.example.org/robots.txt": f"http://127.0.0.1:{site.port}/robots.txt",
            " deploy/": f" {ROOT}/deploy/",
        }
        site.root = folder / "var/www/html"
        for name in ("etc/nginx/sites-enabled", "log/nginx", "log/caddy", "log/envoy", "var/www/html"):
            (folder / name).mkdir(parents=True)
            (folder / name).chmod(0o777)
        (folder / "etc" / "nginx" / "nginx.conf").write_text(NGINX.format(folder=folder))

        def is_ready() -> bool:
            with suppress(OSError):
                # Its first answer may be late for a proxy, which then lets pass what is recorded as refused.
                warm = ask(sidecar, "/.vorbehalt/auth", GPTBOT, {"X-Forwarded-Uri": "/"}).status == 403
                return warm and ask(web, "/", GPTBOT).status == 403
            return False

        guide = Guide(page, folder, swaps, is_ready)
        try:
            yield Arrangement(guide, web, metrics, site)
        finally:
            guide.end()
