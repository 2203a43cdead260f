"""Runs inside the sandbox, in the place of a container engine: several programs that share one network.

Takes a JSON object: `start` (name -> command line), `ports` to wait for, `asks` (label -> port, path,
headers), `lost`, the name of a program that is then killed, and `asks_then`, asked without it. Prints the
answers as JSON.
"""

import contextlib
import http.client
import json
import select
import signal
import socket
import subprocess
import sys
import time


def ask(port: int, path: str, headers: dict[str, str]) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    started = time.monotonic()
    try:
        connection.request("GET", path, headers={"Host": "www.example.org", **headers})
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        found = {name.lower(): value for name, value in answer.getheaders()}
        return {
            "status": answer.status,
            "headers": found,
            "body": body,
            "seconds": time.monotonic() - started,
        }
    finally:
        connection.close()


def wait_for_port(port: int, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return
        ended = [name for name, process in processes.items() if process.poll() is not None]
        if ended:
            sys.exit(f"ended: {ended}")
        select.select([], [], [], 0.05)
    sys.exit(f"nothing listens on port {port}")


def main() -> None:
    order = json.loads(sys.argv[1])
    processes = {
        name: subprocess.Popen(command, stdout=sys.stderr) for name, command in order["start"].items()
    }
    try:
        for port in order["ports"]:
            wait_for_port(port, processes)
        answers = {label: ask(*parts) for label, parts in order["asks"].items()}
        lost = processes.pop(order["lost"])
        lost.kill()
        lost.wait()
        answers |= {label: ask(*parts) for label, parts in order["asks_then"].items()}
    finally:
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for process in processes.values():
            process.wait(20)
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
