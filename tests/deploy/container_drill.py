"""Runs inside the sandbox, in the place of a container engine: start, health, requests, stop. Prints JSON.

Arguments: a JSON object with `start`, `health` (command lines) and `stop` (name of a signal).
"""

import contextlib
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import time


def ask(port: int, path: str, agent: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"User-Agent": agent})
        return connection.getresponse().status
    finally:
        connection.close()


def may_write(folder: str) -> bool:
    with contextlib.suppress(OSError):
        descriptor = os.open(f"{folder}/probe", os.O_CREAT | os.O_WRONLY)
        os.close(descriptor)
        os.unlink(f"{folder}/probe")
        return True
    return False


def main() -> None:
    order = json.loads(sys.argv[1])
    early = subprocess.run(order["health"], capture_output=True, text=True, check=False)
    process = subprocess.Popen(order["start"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while (health := subprocess.run(order["health"], capture_output=True, text=True, check=False)).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            break
        select.select([], [], [], 0.1)
    found = {
        "user": [os.geteuid(), os.getegid()],
        "writable": [
            folder
            for folder in ("/", "/opt/vorbehalt", "/etc/vorbehalt", "/usr/bin", "/var/lib/vorbehalt")
            if may_write(folder)
        ],
        "early": early.returncode,
        "health": [health.returncode, health.stdout.partition(";")[0].strip()],
        "crawler": ask(8100, "/.vorbehalt/auth", "GPTBot/1.2") if not health.returncode else None,
        "metrics": ask(9100, "/metrics", "Prometheus") if not health.returncode else None,
    }
    started = time.monotonic()
    process.send_signal(getattr(signal, order["stop"]))
    try:
        found["errors"] = process.communicate(timeout=25)[1][-2000:]
    except subprocess.TimeoutExpired:
        process.kill()
        found["errors"] = "it did not end"
    found["code"] = process.returncode
    found["seconds"] = time.monotonic() - started
    print(json.dumps(found))


if __name__ == "__main__":
    main()
