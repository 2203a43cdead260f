"""What the whole servers are started with: nginx, Caddy, the sidecar, and what wrk sends.

nginx and Caddy use the configurations as shipped, but ask over a unix socket. The constant is a location of
the same nginx, with its one worker, asked over TCP with connections kept open.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from vorbehalt.settings import load_rules

ROOT = Path(__file__).parents[2]
SOCKET = "vorbehalt.sock"
EXPRESSIONS = 300
BROWSERS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    f" Chrome/{major}.0.0.0 Safari/537.36"
    for major in range(118, 142)
]
CRAWLERS = ["GPTBot/1.2", "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"]
LUA = """
local agents = {{ {agents} }}
local requests, at = {{}}, 0
init = function(args)
  for i, agent in ipairs(agents) do
    wrk.headers["User-Agent"] = agent
    requests[i] = wrk.format("GET", "{path}")
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
"""
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; sendfile on; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map_hash_max_size 8192; variables_hash_max_size 4096;
  map $http_user_agent $listed {{ default 0; {patterns} }}
  upstream constant {{ server 127.0.0.1:{constant}; keepalive 128; }}
  {http}
  server {{ listen 127.0.0.1:{constant}; location / {{ return 204; }} }}
  server {{ listen 127.0.0.1:{plain}; root {folder}/site; }}
  server {{
    listen 127.0.0.1:{listed}; root {folder}/site;
    if ($listed) {{ return 403; }}
  }}
  server {{
    listen 127.0.0.1:{asking}; root {folder}/site;
    location = /ask {{ internal; proxy_pass http://constant; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_pass_request_body off; proxy_set_header Content-Length ""; }}
    location / {{ auth_request /ask; }}
  }}
  server {{ listen 127.0.0.1:{told}; root {folder}/site; include constant/vorbehalt.conf; }}
  server {{ listen 127.0.0.1:{ours}; root {folder}/site; {server} }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
http://127.0.0.1:{asking} {{
  forward_auth 127.0.0.1:{constant} {{
    uri /ask
  }}
  root * {folder}/site
  file_server
}}
{snippet}
http://127.0.0.1:{ours} {{
  import vorbehalt
  root * {folder}/site
  file_server
}}
"""
CONFIG = """format = 1
[site]
origin = "https://label.example"
robots = "none"
[network]
trusted_proxies = ["loopback", "unix"]
"""

APP = """from time import perf_counter_ns
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from vorbehalt import VorbehaltMiddleware
async def page(request):
    return Response(b'x' * 1024, media_type='text/html')
bare = Starlette(routes=[Route('/page.html', page)])
HEADERS = [
    (b'tdm-reservation', b'1'),
    (b'tdm-policy', b'https://label.example/.well-known/tdm-policy.json'),
    (b'content-usage', b'train-ai=n, ai-use=n, search=y'),
    (b'x-robots-tag', b'noai, noimageai'),
    (b'link', b'<https://label.example/license.xml>; rel="license"; type="application/rsl+xml"'),
]
async def headed(scope, receive, send):
    # The five headers and nothing else: what any middleware that says them costs at least.
    async def say(message):
        if message['type'] == 'http.response.start':
            message = {**message, 'headers': [*message['headers'], *HEADERS]}
        await send(message)
    await bare(scope, receive, say if scope['type'] == 'http' else send)
async def slowed(scope, receive, send):
    # What four microseconds more become on a whole server, whatever they are spent on.
    until = perf_counter_ns() + 4000
    while perf_counter_ns() < until:
        pass
    await headed(scope, receive, send)
inner = Starlette(routes=[Route('/page.html', page)])
protected = VorbehaltMiddleware(inner, config='vorbehalt.toml')
"""


def script(folder: Path, path: str) -> Path:
    """Write what wrk sends: 8 of 100 requests are a crawler's."""
    written = folder / "agents.lua"
    agents = (BROWSERS * 2)[:46] + CRAWLERS * 2
    written.write_text(LUA.format(agents=", ".join(f'"{agent}"' for agent in agents), path=path), "utf-8")
    return written


def nginx(folder: Path, ports: dict[str, int]) -> str:
    """The configuration of nginx, with its snippets beside it."""
    deploy = ROOT / "deploy" / "nginx"
    http = (deploy / "conf.d" / "vorbehalt.conf").read_text("utf-8")
    http = http.replace("server 127.0.0.1:8100;", f"server unix:{folder}/{SOCKET};")
    shutil.copytree(deploy / "snippets", folder / "snippets")
    (folder / "constant").mkdir()
    for snippet in (deploy / "snippets").iterdir():
        # The same questions and headers, asked of the constant.
        asking = snippet.read_text("utf-8").replace("http://vorbehalt", "http://constant")
        (folder / "constant" / snippet.name).write_text(asking.replace("snippets/", "constant/"), "utf-8")
    patterns = " ".join(f'"~*{re.escape(token)}" 1;' for token in tokens())
    server = "include snippets/vorbehalt.conf;"
    return NGINX.format(folder=folder, patterns=patterns, http=http, server=server, **ports)


def tokens() -> list[str]:
    """The product tokens that nginx looks for: those of the knowledge base, the ones that wrk sends last."""
    known = [crawler.token for crawler in load_rules(None)[1].crawlers]
    sent = ["GPTBot", "ClaudeBot"]
    return [token for token in known if token not in sent][: EXPRESSIONS - len(sent)] + sent


def caddy(folder: Path, ports: dict[str, int]) -> str:
    """The configuration of Caddy."""
    snippet = (ROOT / "deploy/caddy/vorbehalt.Caddyfile").read_text("utf-8")
    return CADDY.format(
        folder=folder,
        snippet=snippet.replace("127.0.0.1:8100", f"unix/{folder}/{SOCKET}"),
        asking=ports["caddy_asking"],
        ours=ports["caddy_ours"],
        constant=ports["constant"],
    )
