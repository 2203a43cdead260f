"""What to paste where the sidecar stands beside a proxy, or behind one.

deploy/nginx, deploy/caddy and deploy/traefik hold the same files; a test compares them, others run them.
"""

from __future__ import annotations

from vorbehalt.cli.snippet import Part, Snippet

_SIGNALS = (
    "/robots.txt",
    "/license.xml",
    "/ai-policy",
    "/.well-known/tdmrep.json",
    "/.well-known/tdm-policy.json",
)

_RUN = "    vorbehalt serve -c vorbehalt.toml --listen 127.0.0.1:8100"

_NGINX_HTTP = """\
# Vorbehalt, http level: where the sidecar is, and what it said about this request.
upstream vorbehalt {
    server 127.0.0.1:8100;
    keepalive 16;
}
# nginx asks again after an internal redirect (index, try_files); these keep the first answer.
map $upstream_http_tdm_reservation $vorbehalt_told_tdm {
    default $upstream_http_tdm_reservation;
    ""      $vorbehalt_tdm;
}
map $upstream_http_tdm_policy $vorbehalt_told_policy {
    default $upstream_http_tdm_policy;
    ""      $vorbehalt_policy;
}
map $upstream_http_content_usage $vorbehalt_told_usage {
    default $upstream_http_content_usage;
    ""      $vorbehalt_usage;
}
map $upstream_http_link $vorbehalt_told_link {
    default $upstream_http_link;
    ""      $vorbehalt_link;
}
map $upstream_http_x_robots_tag $vorbehalt_told_robots {
    default $upstream_http_x_robots_tag;
    ""      $vorbehalt_robots;
}
map $vorbehalt_status $vorbehalt_cache {
    ""      "";
    default "no-store";
}
"""

_NGINX_ASK = """\
# Vorbehalt: how the sidecar is asked. If it does not answer, the request passes.
auth_request off;
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Host $host;
proxy_set_header X-Forwarded-Host $host;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Method $request_method;
proxy_set_header X-Forwarded-Uri $request_uri;
proxy_connect_timeout 100ms;
proxy_read_timeout 1s;
proxy_intercept_errors on;
error_page 500 502 503 504 = @vorbehalt_open;
"""

_NGINX_HEADERS = """\
# Vorbehalt: the reservation in every answer. nginx drops inherited headers where a location has add_header
# lines of its own: include this file there too.
add_header tdm-reservation $vorbehalt_tdm always;
add_header tdm-policy $vorbehalt_policy always;
add_header Content-Usage $vorbehalt_usage always;
add_header Link $vorbehalt_link always;
add_header X-Robots-Tag $vorbehalt_robots always;
add_header Cache-Control $vorbehalt_cache always;
add_header Retry-After $vorbehalt_retry always;
"""

_NGINX_SERVER = """\
# Vorbehalt, server level: every request of this server is asked about, except the signals themselves.
auth_request /.vorbehalt-auth;
auth_request_set $vorbehalt_tdm $vorbehalt_told_tdm;
auth_request_set $vorbehalt_policy $vorbehalt_told_policy;
auth_request_set $vorbehalt_usage $vorbehalt_told_usage;
auth_request_set $vorbehalt_link $vorbehalt_told_link;
auth_request_set $vorbehalt_robots $vorbehalt_told_robots;
auth_request_set $vorbehalt_status $upstream_http_x_vorbehalt_status;
auth_request_set $vorbehalt_retry $upstream_http_retry_after;
include snippets/vorbehalt_headers.conf;
error_page 403 = @vorbehalt_refused;

location = /robots.txt { proxy_pass http://vorbehalt; include snippets/vorbehalt_ask.conf; }
location = /license.xml { proxy_pass http://vorbehalt; include snippets/vorbehalt_ask.conf; }
location = /ai-policy { proxy_pass http://vorbehalt; include snippets/vorbehalt_ask.conf; }
location = /.well-known/tdmrep.json { proxy_pass http://vorbehalt; include snippets/vorbehalt_ask.conf; }
location = /.well-known/tdm-policy.json { proxy_pass http://vorbehalt; include snippets/vorbehalt_ask.conf; }

location = /.vorbehalt-auth {
    internal;
    if ($vorbehalt_tdm != "") { return 204; }
    proxy_pass http://vorbehalt/.vorbehalt/auth;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    include snippets/vorbehalt_ask.conf;
}
location @vorbehalt_open {
    return 204;
}
location @vorbehalt_refused {
    default_type text/plain;
    include snippets/vorbehalt_headers.conf;
    if ($vorbehalt_status = "") { return 403; }
    if ($vorbehalt_status = 429) { return 429 "Too many requests.\\n"; }
    return 403 "Rights are reserved here, and this request was not answered. Terms and contact: $scheme://$host/ai-policy\\n";
}
"""

NGINX = Snippet(
    f"Run the sidecar beside nginx (pip install 'vorbehalt[sidecar]'):\n\n{_RUN}\n\n"
    "Then four small files, and one line in your server block.",
    (
        Part("/etc/nginx/conf.d/vorbehalt.conf", _NGINX_HTTP, "nginx/conf.d/vorbehalt.conf"),
        Part("/etc/nginx/snippets/vorbehalt.conf", _NGINX_SERVER, "nginx/snippets/vorbehalt.conf"),
        Part("/etc/nginx/snippets/vorbehalt_ask.conf", _NGINX_ASK, "nginx/snippets/vorbehalt_ask.conf"),
        Part(
            "/etc/nginx/snippets/vorbehalt_headers.conf",
            _NGINX_HEADERS,
            "nginx/snippets/vorbehalt_headers.conf",
        ),
        Part("In the server block", "include snippets/vorbehalt.conf;\n"),
    ),
    "If the sidecar is down, nginx serves the site as before; robots.txt is empty (204) until it is back.\n"
    'If nginx says "duplicate location", the site has such a location already: take that one out. Your own\n'
    "robots.txt is kept when its path stands in the configuration:\n\n"
    '    robots = "file:/var/www/html/robots.txt"',
    "http://127.0.0.1",
)

_CADDY_FILE = """\
# Vorbehalt: answers while the sidecar is down, so that every request passes.
http://127.0.0.1:8101 {
	bind 127.0.0.1
	respond 204
}

(vorbehalt) {
	@vorbehalt_signals path @SIGNALS@
	reverse_proxy @vorbehalt_signals 127.0.0.1:8100 127.0.0.1:8101 {
		lb_policy first
		lb_try_duration 250ms
		fail_duration 2s
	}
	reverse_proxy 127.0.0.1:8100 127.0.0.1:8101 {
		lb_policy first
		lb_try_duration 250ms
		fail_duration 2s
		method GET
		rewrite /.vorbehalt/auth?limit=429
		header_up X-Forwarded-Method {method}
		header_up X-Forwarded-Uri {uri}
		transport http {
			dial_timeout 100ms
			response_header_timeout 1s
		}
		@vorbehalt_told {
			status 2xx
			header Tdm-Reservation *
		}
		handle_response @vorbehalt_told {
			@has_policy expression {rp.header.Tdm-Policy} != null && {rp.header.Tdm-Policy} != ""
			@has_robots expression {rp.header.X-Robots-Tag} != null && {rp.header.X-Robots-Tag} != ""
			header tdm-reservation {rp.header.Tdm-Reservation}
			header @has_policy tdm-policy {rp.header.Tdm-Policy}
			header Content-Usage {rp.header.Content-Usage}
			header +Link {rp.header.Link}
			header @has_robots +X-Robots-Tag {rp.header.X-Robots-Tag}
		}
		@vorbehalt_open status 2xx
		handle_response @vorbehalt_open {
			# Nothing is changed; without a line the answer of the second address would be sent.
			header -X-Vorbehalt-Status
		}
	}
}
""".replace("@SIGNALS@", " ".join(_SIGNALS))

CADDY = Snippet(
    f"Run the sidecar beside Caddy (pip install 'vorbehalt[sidecar]'):\n\n{_RUN}\n\n"
    "Then two pieces for your Caddyfile.",
    (
        Part("Above your site", _CADDY_FILE, "caddy/vorbehalt.Caddyfile"),
        Part(
            "Your site",
            """\
@HOST@ {
	route {
		import vorbehalt
		# ... your site as before
	}
}
""",
        ),
    ),
    "If the sidecar is down, Caddy serves the site as before; robots.txt is empty (204) until it is back.\n"
    "Your own robots.txt is kept when its path stands in the configuration:\n\n"
    '    robots = "file:/srv/www/robots.txt"',
    "http://127.0.0.1",
)

_TRAEFIK_FILE = """\
# Vorbehalt for Traefik's file provider. Put the middleware "vorbehalt" on the router of your site.
http:
  middlewares:
    vorbehalt:
      forwardAuth:
        address: "http://127.0.0.1:8100/.vorbehalt/auth?limit=429"
        trustForwardHeader: false
  services:
    vorbehalt:
      loadBalancer:
        servers:
          - url: "http://127.0.0.1:8100"
  routers:
    vorbehalt-signals:
      rule: "Host(`@HOST@`) && (@PATHS@)"
      service: vorbehalt
""".replace("@PATHS@", " || ".join(f"Path(`{path}`)" for path in _SIGNALS))

TRAEFIK = Snippet(
    f"Run the sidecar beside Traefik (pip install 'vorbehalt[sidecar]'):\n\n{_RUN}",
    (Part("In Traefik's dynamic configuration", _TRAEFIK_FILE, "traefik/vorbehalt.yml"),),
    "This form has not been run against a real Traefik yet. Two limits of Traefik: if the sidecar is down,\n"
    "its forwardAuth answers 500; and it adds nothing to the site's answers: give the headers that\n"
    "`vorbehalt signals` prints to a headers middleware. As a reverse proxy (serve --upstream) the sidecar\n"
    "has neither.",
    "http://127.0.0.1",
)

ENVOY = Snippet(
    "Run the sidecar between Envoy and the site (pip install 'vorbehalt[sidecar]'):\n\n"
    f"{_RUN} --upstream http://127.0.0.1:8000",
    (),
    "Then point Envoy's cluster at 127.0.0.1:8100. There is no recipe for ext_authz yet.",
    "http://127.0.0.1:8100",
)
