"""What to paste where the sidecar stands beside a proxy, or behind one.

deploy/nginx, deploy/caddy and deploy/traefik hold the same files; a test compares them, others run them.
"""

from __future__ import annotations

from vorbehalt.cli.nginx_snippet import RUN
from vorbehalt.cli.snippet import Part, Snippet

_SIGNALS = (
    "/robots.txt",
    "/license.xml",
    "/ai-policy",
    "/.well-known/tdmrep.json",
    "/.well-known/tdm-policy.json",
)

_CADDY_FILE = """\
# Vorbehalt: answers while the sidecar is down, so that every request passes.
http://127.0.0.1:8101 {
	bind 127.0.0.1
	# What is told meanwhile, if `vorbehalt signals --write` has made the file.
	import vorbehalt_while_down*.caddy
	respond 204
}

(vorbehalt) {
	@vorbehalt_signals path @SIGNALS@
	reverse_proxy @vorbehalt_signals 127.0.0.1:8100 127.0.0.1:8101 {
		lb_policy first
		lb_try_duration 2s
		lb_try_interval 10ms
		fail_duration 2s
		# A sidecar on another machine: write sidecar.secret of its vorbehalt.toml between the quotes, twice.
		header_up X-Vorbehalt-Secret ""
		transport http {
			dial_timeout 50ms
			response_header_timeout 200ms
		}
	}
	reverse_proxy 127.0.0.1:8100 127.0.0.1:8101 {
		lb_policy first
		lb_try_duration 2s
		lb_try_interval 10ms
		fail_duration 2s
		method GET
		rewrite /.vorbehalt/auth?limit=429
		header_up X-Forwarded-Method {method}
		header_up X-Forwarded-Uri {uri}
		header_up -X-Request-Id
		header_up X-Vorbehalt-Secret ""
		transport http {
			dial_timeout 50ms
			response_header_timeout 200ms
		}
		@vorbehalt_told {
			status 2xx
			header Tdm-Reservation *
		}
		handle_response @vorbehalt_told {
			copy_response_headers {
				# By the last one `vorbehalt evidence join` finds a request in Caddy's access log.
				include Tdm-Reservation Tdm-Policy Content-Usage Link X-Robots-Tag X-Vorbehalt-Reference
			}
		}
		# Whatever is no answer to the question lets the request pass.
		@vorbehalt_open status 2xx 400 404 405 408 413 414 421 431 5xx
		handle_response @vorbehalt_open {
			# Nothing is changed; without a line the answer of the second address would be sent.
			header -X-Vorbehalt-Status
		}
	}
}
""".replace("@SIGNALS@", " ".join(_SIGNALS))

CADDY = Snippet(
    f"Run the sidecar beside Caddy (pip install 'vorbehalt[sidecar]'):\n\n{RUN}\n\n"
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
    "If the sidecar is down, Caddy serves the site as before. What is told then is said by files:\n\n"
    "    vorbehalt signals -c vorbehalt.toml --write /srv/vorbehalt\n"
    "    cp /srv/vorbehalt/server/while-down/vorbehalt_while_down.caddy /etc/caddy/\n\n"
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
    f"Run the sidecar beside Traefik (pip install 'vorbehalt[sidecar]'):\n\n{RUN}",
    (Part("In Traefik's dynamic configuration", _TRAEFIK_FILE, "traefik/vorbehalt.yml"),),
    "This form has not been run against a real Traefik yet. Two limits of Traefik: if the sidecar is down,\n"
    "its forwardAuth answers 500; and it adds nothing to the site's answers: give the headers that\n"
    "`vorbehalt signals` prints to a headers middleware. As a reverse proxy (serve --upstream) the sidecar\n"
    "has neither.",
    "http://127.0.0.1",
)
