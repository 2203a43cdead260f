"""Browsers of the live matrix: `browsers.py WHICH HOW ORIGIN USER_AGENT PIN FOLDER PATH...`.

WHICH is chromium or firefox, with `-window` for one with a window (DISPLAY). HOW: `click` follows the links
of the page as a person does, `goto` opens every address by itself. Chromium is driven over its DevTools
protocol, Firefox over WebDriver BiDi. PIN is the key of the server for Chromium, which is taken for genuine.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

SECONDS = 30.0
CHROMIUM = (
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)
USER_JS = """\
user_pref("app.update.enabled", false);
user_pref("browser.aboutConfig.showWarning", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
"""


class Wire:
    """Commands with numbers, answers and events over one websocket: both protocols have this form."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def _receive(self) -> dict[str, Any]:
        return dict(json.loads(self._socket.recv(timeout=SECONDS)))

    def ask(self, method: str, params: dict[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        while True:
            got = self._receive()
            if got.get("id") == self._number:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got}")
                return dict(got["result"])
            self.events.append(got)

    def until(self, method: str) -> None:
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._receive())
        self.events.clear()


@contextlib.contextmanager
def program(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def said(process: subprocess.Popen[bytes], sign: bytes) -> str:
    """The rest of the line of standard error that begins with a sign."""
    assert process.stderr is not None
    deadline, read = time.monotonic() + SECONDS, b""
    while time.monotonic() < deadline:
        if select.select([process.stderr], [], [], 0.5)[0]:
            chunk = os.read(process.stderr.fileno(), 65536)
            read += chunk
            if sign in read and b"\n" in read.partition(sign)[2]:
                return read.partition(sign)[2].split(b"\n")[0].decode().strip()
            if not chunk:
                break
    raise RuntimeError(f"the browser did not start: {read[-500:].decode(errors='replace')}")


def chromium(arguments: Sequence[str], how: str, origin: str, paths: Sequence[str], folder: Path) -> None:
    with program(["chromium", *CHROMIUM, f"--user-data-dir={folder}", *arguments, "about:blank"]) as process:
        where = said(process, b"DevTools listening on ")
        with connect(where, max_size=None) as socket:
            wire = Wire(socket)
            target = wire.ask("Target.createTarget", {"url": "about:blank"})["targetId"]
            session = wire.ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
            wire.ask("Page.enable", session=session)
            wire.events.clear()
            for place, path in enumerate(paths):
                if how == "click" and place:
                    click = f"document.getElementById('p{place}').click()"
                    wire.ask("Runtime.evaluate", {"expression": click, "userGesture": True}, session)
                else:
                    wire.ask("Page.navigate", {"url": origin + path}, session)
                wire.until("Page.loadEventFired")


def firefox(arguments: Sequence[str], how: str, origin: str, paths: Sequence[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "user.js").write_text(USER_JS)
    command = [
        "firefox-esr",
        "--no-remote",
        "--remote-debugging-port",
        "0",
        "--profile",
        str(folder),
        *arguments,
    ]
    with program(command) as process:
        where = said(process, b"WebDriver BiDi listening on ")
        with connect(f"{where}/session", max_size=None) as socket:
            wire = Wire(socket)
            wire.ask("session.new", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
            wire.ask("session.subscribe", {"events": ["browsingContext.load"]})
            context = wire.ask("browsingContext.getTree")["contexts"][0]["context"]
            for place, path in enumerate(paths):
                wire.events.clear()
                if how == "click" and place:
                    expression = f"document.getElementById('p{place}').click()"
                    evaluated = {
                        "expression": expression,
                        "target": {"context": context},
                        "awaitPromise": False,
                        "userActivation": True,
                    }
                    wire.ask("script.evaluate", evaluated)
                else:
                    wire.ask(
                        "browsingContext.navigate", {"context": context, "url": origin + path, "wait": "none"}
                    )
                wire.until("browsingContext.load")
            wire.ask("session.end")


def main() -> None:
    which, how, origin, agent, pin, folder, *paths = sys.argv[1:]
    name, _, window = which.partition("-")
    if name == "chromium":
        arguments = [f"--ignore-certificate-errors-spki-list={pin}"]
        arguments += [] if window else ["--headless=new"]
        arguments += [f"--user-agent={agent}"] if agent else []
        chromium(arguments, how, origin, paths, Path(folder))
    else:
        firefox([] if window else ["--headless"], how, origin, paths, Path(folder))


if __name__ == "__main__":
    main()
