"""What to paste where, per stack, and how to see that it works."""

from __future__ import annotations

from vorbehalt.cli.envoy_snippet import ENVOY
from vorbehalt.cli.nginx_snippet import NGINX
from vorbehalt.cli.proxy_snippets import CADDY, TRAEFIK
from vorbehalt.cli.snippet import Part, Snippet

_FASTAPI = Snippet(
    "Your FastAPI or Starlette app needs three lines (pip install vorbehalt).",
    (
        Part(
            "Where the app is made",
            """\
from vorbehalt import VorbehaltMiddleware, metrics_app

app.add_middleware(VorbehaltMiddleware, config="vorbehalt.toml")
app.mount("/metrics", metrics_app)  # optional; keep it away from the public
""",
        ),
    ),
    "Add it last of all middleware, so that it sees requests first.",
)

_DJANGO = Snippet(
    "Run Django under an ASGI server such as uvicorn (pip install vorbehalt).",
    (
        Part(
            "In your project's asgi.py",
            """\
from vorbehalt import VorbehaltMiddleware

application = VorbehaltMiddleware(get_asgi_application(), config="vorbehalt.toml")
""",
        ),
    ),
)

_STATIC = Snippet(
    "Write the documents into your site's folder, and header lines for your server or host below it:\n\n"
    "    vorbehalt signals -c vorbehalt.toml --write public/\n\n"
    "Below public/server/ each file says at its top where it belongs.",
    (),
    "Without a server of ours nobody is refused and nothing recorded: the reservation stands, that is all.",
)

SNIPPETS = {
    "fastapi": _FASTAPI,
    "django": _DJANGO,
    "nginx": NGINX,
    "caddy": CADDY,
    "traefik": TRAEFIK,
    "envoy": ENVOY,
    "static": _STATIC,
}

CHECKS = """\
Then try it; {site} stands for wherever the site listens:

    curl -A GPTBot {site}/          {refused}
    curl {site}/robots.txt          200, with a group for GPTBot{own}
    curl -I {site}/                 200, with "tdm-reservation: 1"
"""

SWITCH_OFF = (
    'Switch off: VORBEHALT_ENABLED=0 in the environment. Look first: policy.mode = "observe" in the file.'
)
