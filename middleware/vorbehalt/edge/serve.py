"""`vorbehalt serve`: the sidecar on uvicorn (extra `sidecar`): forward auth, and a reverse proxy if asked."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import uvicorn

from vorbehalt.edge import log_lines, metrics, refusal_pages
from vorbehalt.edge.asgi import VorbehaltMiddleware
from vorbehalt.edge.client_address import AddressResolver
from vorbehalt.edge.listening import listening_socket
from vorbehalt.edge.questions import ReadyQuestions
from vorbehalt.edge.reverse_proxy.by_host import ByHost
from vorbehalt.edge.reverse_proxy.plain import plain_app
from vorbehalt.edge.reverse_proxy.proxy import ReverseProxy
from vorbehalt.edge.server import App, server_for
from vorbehalt.edge.workers import supervise
from vorbehalt.settings.model import Settings

log = logging.getLogger("vorbehalt")


def serve(
    config: str | Path | Mapping[str, object] | Settings,
    settings: Settings,
    *,
    upstream: str | None = None,
    listen: str | None = None,
    metrics_listen: str | None = None,
    workers: int = 1,
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    `settings` are those of `config`; arguments that are None come from its `[sidecar]`. Raises VorbehaltError
    with a sentence if an address is taken or the upstream is malformed, SystemExit if the start fails later.
    """
    log_lines.configure(settings)
    upstream = upstream or settings.sidecar.upstream
    metrics_listen = metrics_listen or settings.sidecar.metrics_listen
    inner, proxies = behind(upstream, settings)
    bound = listening_socket(listen or settings.sidecar.listen)
    if metrics_listen:
        listening_socket(metrics_listen).close()
    print(f"vorbehalt listens on {_place(bound)}, {_describe(upstream)}", file=sys.stderr, flush=True)

    def work() -> None:
        middleware = VorbehaltMiddleware(inner, config=config, forward_auth=True)
        if metrics_listen:
            metrics.listen(metrics_listen, shared=workers > 1)
        _report_upstreams(proxies, middleware)
        server = server_for(middleware, ReadyQuestions(middleware))
        _handle_signals(server, middleware)
        # What was read until now stays as long as the process: no collection has to look at it again.
        gc.collect()
        gc.freeze()
        server.run(sockets=[bound])
        if not server.started:
            raise SystemExit(1)

    try:
        if workers > 1:
            if settings.state.directory is None:
                log.warning("state.directory is not set: metrics and limits are each worker's own")
            refusal_pages.share_with_workers()
            # As long as this process held the socket, visitors could connect and would wait for nobody.
            supervise(work, workers, at_end=bound.close)
        else:
            work()
    finally:
        bound.close()


def behind(upstream: str | None, settings: Settings) -> tuple[App, list[ReverseProxy]]:
    """Return what is behind the middleware: reverse proxies by host, or a page that says there is nothing."""
    network = settings.network
    addresses = AddressResolver(network.trusted_proxies, network.client_header, settings.sidecar.secret)
    languages = settings.default_host.terms.languages
    language = languages[0][:2] if languages else "en"
    proxies: dict[str, ReverseProxy] = {}

    def proxy_to(place: str) -> ReverseProxy:
        if place not in proxies:
            proxies[place] = ReverseProxy(
                place,
                addresses,
                read_seconds=settings.sidecar.upstream_timeout_seconds,
                language=language,
            )
        return proxies[place]

    site: App = plain_app if upstream is None else proxy_to(upstream)
    names = {
        name: proxy_to(host.upstream)
        for host in settings.hosts
        if host.upstream and host.upstream != settings.sidecar.upstream
        for name in host.names
    }
    if not names:
        return site, list(proxies.values())

    async def close() -> None:
        for proxy in proxies.values():
            await proxy.close()

    return ByHost(site, names, close), list(proxies.values())


def _report_upstreams(proxies: list[ReverseProxy], middleware: VorbehaltMiddleware) -> None:
    """Let health say which upstream does not answer, for as long as it does not; count what is sent again."""
    runtime = middleware.runtime
    if runtime is None:
        return

    def reporter(key: str) -> Callable[[str], None]:
        def report(problem: str) -> None:
            if problem:
                runtime.reasons[key] = problem
            else:
                runtime.reasons.pop(key, None)

        return report

    def count_retry() -> None:
        runtime.counters.inc("vorbehalt_upstream_retries_total")

    for proxy in proxies:
        proxy.on_retry = count_retry
        proxy.on_state = reporter(f"upstream {proxy.place.text}")


def _handle_signals(server: uvicorn.Server, middleware: VorbehaltMiddleware) -> None:
    def end(*_: object) -> None:
        # uvicorn has its own handlers while it runs; before and after, these make the end an orderly one.
        server.should_exit = True

    def reload(*_: object) -> None:
        _reload(middleware)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, reload)


def _reload(middleware: VorbehaltMiddleware) -> None:
    runtime = middleware.runtime
    if runtime is not None:
        threading.Thread(target=runtime.reload, kwargs={"force": True}, name="vorbehalt-reload").start()


def _place(bound: socket.socket) -> str:
    name = bound.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"


def _describe(upstream: str | None) -> str:
    return "forward auth only" if upstream is None else f"in front of {upstream}"
