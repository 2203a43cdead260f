"""The protected demo site on a loopback port, served by uvicorn in a thread."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType

import uvicorn

from vorbehalt.demo.site import label_site
from vorbehalt.demo.watch import Watch
from vorbehalt.demo.workspace import Workspace
from vorbehalt.edge.asgi import VorbehaltMiddleware
from vorbehalt.errors import VorbehaltError

HOST = "127.0.0.1"
_START_SECONDS = 15.0
_STOP_SECONDS = 15.0


class ServingError(VorbehaltError):
    """The demo site could not be started or stopped."""


class ProtectedSite:
    """A context in which the site answers at `origin`. Leaving it stops the site and seals the evidence.

    `port` is taken if it is free, else any.
    """

    def __init__(self, workspace: Workspace, watch: Watch, port: int = 0) -> None:
        self._socket = _bound(port)
        self.origin = f"http://{HOST}:{self._socket.getsockname()[1]}"
        workspace.write_config(self.origin, HOST)
        app = VorbehaltMiddleware(watch.inside(label_site()), config=workspace.config, observer=watch.observe)
        config = uvicorn.Config(
            watch.outside(app),
            log_level="error",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=3,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="vorbehalt-demo", daemon=True
        )

    def __enter__(self) -> ProtectedSite:
        self._thread.start()
        end = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > end:
                self._socket.close()
                raise ServingError("the demo site did not start")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()
        if self._thread.is_alive() and error is None:
            raise ServingError("the demo site did not stop")


def _bound(port: int) -> socket.socket:
    for wanted in (port, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, wanted))
        except OSError as error:
            listening.close()
            if wanted == 0:
                raise ServingError(f"no port on {HOST} is free: {error.strerror}") from error
            continue
        return listening
    raise AssertionError("unreachable")
