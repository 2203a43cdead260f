"""Runs inside the sandbox, in the place of systemd: start, a request on the socket, reload, stop.

Takes a JSON object with `start`, `reload` (command lines), `socket`, `config` (paths), `umask`, and `trace`,
the file that gets every system call. Prints JSON.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1


def ask(path: str, target: str, agent: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(path)
        client.sendall(
            f"GET {target} HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: {agent}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer.decode("latin-1")


def wait_for_answer(path: str, target: str, words: str) -> bool:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if words in ask(path, target, "curl/8.0"):
                return True
        select.select([], [], [], 0.1)
    return False


def main() -> None:
    order = json.loads(sys.argv[1])
    # What MemoryDenyWriteExecute= does; since Linux 6.3.
    strict = ctypes.CDLL(None).prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) == 0
    os.umask(int(order["umask"], 8))
    process = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", order["trace"], *order["start"]], stderr=subprocess.PIPE
    )
    found: dict[str, object] = {"strict": strict}
    found["started"] = wait_for_answer(order["socket"], "/.vorbehalt/health", "200 OK")
    (children,) = Path(f"/proc/{process.pid}/task").glob("*/children")
    main_pid = children.read_text().split()[0]
    found["mode"] = oct(stat.S_IMODE(os.stat(order["socket"]).st_mode))
    found["crawler"] = ask(order["socket"], "/.vorbehalt/auth", "GPTBot/1.2")[:12]

    config = Path(order["config"])
    config.write_text(config.read_text().replace("licensing@", "rights@"))
    reload = [main_pid if word == "$MAINPID" else word for word in order["reload"]]
    found["reload"] = subprocess.run(reload, check=False).returncode
    found["reloaded"] = wait_for_answer(order["socket"], "/ai-policy", "rights@example.org")

    os.kill(int(main_pid), signal.SIGTERM)
    errors = process.communicate(timeout=60)[1].decode()
    found["code"], found["errors"] = process.returncode, errors[-2000:]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
