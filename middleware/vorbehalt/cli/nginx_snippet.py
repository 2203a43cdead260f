"""What to paste where the sidecar stands beside nginx. deploy/nginx holds the same files; a test compares."""

from __future__ import annotations

from vorbehalt.cli.snippet import Part, Snippet

RUN = "    vorbehalt serve -c vorbehalt.toml --listen 127.0.0.1:8100"

_NGINX_HTTP = """\
# Vorbehalt, http level: where the sidecar is, and what it said about this request.
upstream vorbehalt {
    server 127.0.0.1:8100;
    keepalive 128;
}
map $vorbehalt_status $vorbehalt_cache {
    ""      "";
    default "no-store";
}
# For `vorbehalt evidence join`: what was really sent, by the reference of the record. It holds no address.
log_format vorbehalt escape=json '{"time":"$time_iso8601","request_id":"$vorbehalt_reference",'
                                 '"status":$status,"bytes":$body_bytes_sent,"completed":"$request_completion"}';
"""

_NGINX_ASK = """\
# Vorbehalt: how the sidecar is asked. In sum at most 250 ms, whatever it does.
auth_request off;
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_set_header Upgrade "";
proxy_set_header Host $host;
proxy_set_header X-Forwarded-Host "";
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Method $request_method;
proxy_set_header X-Forwarded-Uri $request_uri;
proxy_set_header X-Request-Id "";
# A sidecar on another machine: write sidecar.secret of its vorbehalt.toml between the quotes.
proxy_set_header X-Vorbehalt-Secret "";
proxy_connect_timeout 50ms;
proxy_send_timeout 200ms;
proxy_read_timeout 200ms;
"""

_NGINX_SIGNAL = """\
# Vorbehalt: a signal document comes from the sidecar, whoever asks.
proxy_pass http://vorbehalt;
include snippets/vorbehalt_ask.conf;
proxy_intercept_errors on;
error_page 500 502 503 504 = @vorbehalt_file;
"""

_NGINX_HEADERS = """\
# Vorbehalt: the reservation in every answer. nginx drops inherited headers where a location has add_header
# lines of its own: include this file there too.
add_header tdm-reservation $vorbehalt_tdm$vorbehalt_down_tdm always;
add_header tdm-policy $vorbehalt_policy$vorbehalt_down_policy always;
add_header Content-Usage $vorbehalt_usage$vorbehalt_down_usage always;
add_header Link $vorbehalt_link$vorbehalt_down_link always;
add_header X-Robots-Tag $vorbehalt_robots$vorbehalt_down_robots always;
add_header Cache-Control $vorbehalt_cache always;
add_header Retry-After $vorbehalt_retry always;
"""

_NGINX_SERVER = """\
# Vorbehalt, server level: every request of this server is asked about, except the signals themselves.
auth_request /.vorbehalt-auth;
# nginx asks again after an internal redirect (index, try_files): $sent_http_ keeps what was said first.
auth_request_set $vorbehalt_tdm $sent_http_tdm_reservation;
auth_request_set $vorbehalt_policy $sent_http_tdm_policy;
auth_request_set $vorbehalt_usage $sent_http_content_usage;
auth_request_set $vorbehalt_link $sent_http_link;
auth_request_set $vorbehalt_robots $sent_http_x_robots_tag;
auth_request_set $vorbehalt_status $upstream_http_x_vorbehalt_status;
auth_request_set $vorbehalt_reference $sent_http_x_vorbehalt_reference;
auth_request_set $vorbehalt_retry $upstream_http_retry_after;
set $vorbehalt_down_tdm "";
set $vorbehalt_down_policy "";
set $vorbehalt_down_usage "";
set $vorbehalt_down_link "";
set $vorbehalt_down_robots "";
include snippets/vorbehalt_headers.conf;
error_page 403 = @vorbehalt_refused;

location = /robots.txt { include snippets/vorbehalt_signal.conf; }
location = /license.xml { include snippets/vorbehalt_signal.conf; }
location = /ai-policy { include snippets/vorbehalt_signal.conf; }
location = /.well-known/tdmrep.json { include snippets/vorbehalt_signal.conf; }
location = /.well-known/tdm-policy.json { include snippets/vorbehalt_signal.conf; }

# Whatever is no answer to the question lets the request pass.
location = /.vorbehalt-auth {
    internal;
    if ($vorbehalt_tdm != "") { return 204; }
    proxy_pass http://vorbehalt/.vorbehalt/auth;
    # nginx closes a connection on which an answer came with a body.
    proxy_method HEAD;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    include snippets/vorbehalt_ask.conf;
    proxy_intercept_errors on;
    error_page 400 404 405 408 413 414 421 429 431 500 501 502 503 504 = @vorbehalt_open;
}
location @vorbehalt_open {
    if ($upstream_status = "") { return 404; }
    # What is told while the sidecar is down, if there is such a file.
    include snippets/vorbehalt_while_down*.conf;
    return 204;
}
# The sidecar is down: the file of `vorbehalt signals --write`, else one of the site itself, else nothing.
location @vorbehalt_file {
    auth_request off;
    include snippets/vorbehalt_while_down*.conf;
    root /srv/vorbehalt;
    try_files $uri.html $uri @vorbehalt_own;
}
location @vorbehalt_own {
    auth_request off;
    include snippets/vorbehalt_while_down*.conf;
    try_files $uri =204;
}
# nginx drops the page that comes with a refusal: it is fetched, once, by its reference.
location @vorbehalt_refused {
    if ($vorbehalt_status = "") { return 403; }
    rewrite ^ /.vorbehalt/refusal/$vorbehalt_reference?status=$vorbehalt_status? break;
    proxy_pass http://vorbehalt;
    proxy_method GET;
    proxy_pass_request_body off;
    proxy_set_header Content-Length "";
    include snippets/vorbehalt_ask.conf;
    add_header X-Vorbehalt "";
}
"""

_FOLDER = "/etc/nginx/"
_FILES = {
    "conf.d/vorbehalt.conf": _NGINX_HTTP,
    "snippets/vorbehalt.conf": _NGINX_SERVER,
    "snippets/vorbehalt_ask.conf": _NGINX_ASK,
    "snippets/vorbehalt_signal.conf": _NGINX_SIGNAL,
    "snippets/vorbehalt_headers.conf": _NGINX_HEADERS,
}

NGINX = Snippet(
    f"Run the sidecar beside nginx (pip install 'vorbehalt[sidecar]'):\n\n{RUN}\n\n"
    "Then five small files, and one line in your server block.",
    (
        *(Part(_FOLDER + name, text, f"nginx/{name}") for name, text in _FILES.items()),
        Part("In the server block", "include snippets/vorbehalt.conf;\n"),
    ),
    "If the sidecar is down, nginx serves the site as before. What is told then is said by files:\n\n"
    "    vorbehalt signals -c vorbehalt.toml --write /srv/vorbehalt\n"
    "    cp /srv/vorbehalt/server/while-down/vorbehalt_while_down.conf /etc/nginx/snippets/\n\n"
    'If nginx says "duplicate location", the site has such a location already: take that one out. Your own\n'
    "robots.txt is kept when its path stands in the configuration:\n\n"
    '    robots = "file:/var/www/html/robots.txt"',
    "http://127.0.0.1",
)
