"""What to paste where: one short text per stack, filled with the site's own values."""

from __future__ import annotations

FASTAPI = """\
Add three lines where your FastAPI or Starlette app is made (pip install vorbehalt):

    from vorbehalt import VorbehaltMiddleware, metrics_app

    app.add_middleware(VorbehaltMiddleware, config="vorbehalt.toml")
    app.mount("/metrics", metrics_app)  # optional; keep it away from the public
"""

DJANGO = """\
In your project's asgi.py (pip install vorbehalt; run Django under an ASGI server such as uvicorn):

    from vorbehalt import VorbehaltMiddleware

    application = VorbehaltMiddleware(get_asgi_application(), config="vorbehalt.toml")
"""

NGINX = """\
Run the sidecar beside nginx (pip install 'vorbehalt[sidecar]'):

    vorbehalt serve -c vorbehalt.toml --listen 127.0.0.1:8100

Then in the server block of nginx:

    location = /robots.txt               {{ proxy_pass http://127.0.0.1:8100; include vorbehalt_proxy.conf; }}
    location = /license.xml              {{ proxy_pass http://127.0.0.1:8100; include vorbehalt_proxy.conf; }}
    location ^~ /.well-known/tdm         {{ proxy_pass http://127.0.0.1:8100; include vorbehalt_proxy.conf; }}
    location = /.vorbehalt-auth {{
        internal;
        proxy_pass http://127.0.0.1:8100/.vorbehalt/auth;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header X-Forwarded-Method $request_method;
        proxy_set_header X-Forwarded-Uri $request_uri;
        include vorbehalt_proxy.conf;
        proxy_connect_timeout 100ms; proxy_read_timeout 300ms;
        error_page 500 502 503 504 = @vorbehalt_open;
    }}
    location @vorbehalt_open {{ internal; return 204; }}

vorbehalt_proxy.conf:

    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;

and in every location that serves content:

    auth_request /.vorbehalt-auth;
    auth_request_set $tdm $upstream_http_tdm_reservation;
    auth_request_set $tdm_policy $upstream_http_tdm_policy;
    auth_request_set $content_usage $upstream_http_content_usage;
    add_header tdm-reservation $tdm always;
    add_header tdm-policy $tdm_policy always;
    add_header Content-Usage $content_usage always;
"""

CADDY = """\
Run the sidecar beside Caddy (pip install 'vorbehalt[sidecar]'):

    vorbehalt serve -c vorbehalt.toml --listen 127.0.0.1:8100

Then in the Caddyfile, inside your site:

    @signals path /robots.txt /license.xml /.well-known/tdmrep.json /.well-known/tdm-policy.json
    handle @signals {{
        reverse_proxy 127.0.0.1:8100
    }}
    handle {{
        forward_auth 127.0.0.1:8100 {{
            uri /.vorbehalt/auth
        }}
        # ... your site as before
    }}
"""

TRAEFIK = """\
Run the sidecar beside Traefik (pip install 'vorbehalt[sidecar]'):

    vorbehalt serve -c vorbehalt.toml --listen 127.0.0.1:8100

Then in Traefik's dynamic configuration (this form is not tested against a running Traefik by this version):

    http:
      middlewares:
        vorbehalt:
          forwardAuth:
            address: http://127.0.0.1:8100/.vorbehalt/auth
            trustForwardHeader: false
      services:
        vorbehalt:
          loadBalancer:
            servers: [{{ url: "http://127.0.0.1:8100" }}]
      routers:
        vorbehalt-signals:
          rule: "Host(`{host}`) && (Path(`/robots.txt`) || Path(`/license.xml`) || PathPrefix(`/.well-known/tdm`))"
          service: vorbehalt

and add the middleware `vorbehalt` to your site's router.
"""

ENVOY = """\
Run the sidecar as a reverse proxy between Envoy and the site (pip install 'vorbehalt[sidecar]'):

    vorbehalt serve -c vorbehalt.toml --listen 127.0.0.1:8100 --upstream http://127.0.0.1:8000

and point Envoy's cluster at 127.0.0.1:8100. (Envoy's ext_authz is not covered by this version.)
"""

STATIC = """\
Write the documents into your site's folder, and let your host send the headers that `vorbehalt signals` prints:

    vorbehalt signals -c vorbehalt.toml --write public/

Without a server of ours nothing is refused and nothing is recorded: the reservation stands, that is all.
"""

SNIPPETS = {
    "fastapi": FASTAPI,
    "django": DJANGO,
    "nginx": NGINX,
    "caddy": CADDY,
    "traefik": TRAEFIK,
    "envoy": ENVOY,
    "static": STATIC,
}

CHECKS = """\
Then try it; 127.0.0.1 stands for wherever the site listens:

    curl -A GPTBot {local}/                 403, and why
    curl {local}/robots.txt                 200, with a group for GPTBot and your own rules
    curl -I {local}/                        200, with "tdm-reservation: 1"

Switch off: VORBEHALT_ENABLED=0 in the environment, or policy.mode = "observe" in the file.
"""
