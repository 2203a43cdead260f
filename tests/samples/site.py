"""The invented label's site behind the real middleware, at times that are given: visits in, records out."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from samples import fixed
from vorbehalt import VorbehaltMiddleware
from vorbehalt.demo.site import label_site
from vorbehalt.demo.works import works_csv
from vorbehalt.evidence.anchor.rounds import Round
from vorbehalt.evidence.anchor.targets import WitnessTarget
from vorbehalt.evidence.anchor.witness_server import WitnessServer
from vorbehalt.evidence.anchor.witness_store import WitnessStore
from vorbehalt.evidence.log import EvidenceLog
from vorbehalt.evidence.reading.query import open_log
from vorbehalt.evidence.reading.scan import is_all_sealed
from vorbehalt.evidence.receipt import Draft
from vorbehalt.evidence.sealing import sealer_thread
from vorbehalt.evidence.sealing.housekeeping import HouseKeeping
from vorbehalt.evidence.spool.state import load_state
from vorbehalt.evidence.writing import inbox
from vorbehalt.identify.networks import read_range_lists
from vorbehalt.lookups.fetch import Fetched
from vorbehalt.lookups.range_files import current_lists
from vorbehalt.lookups.ranges import refresh

LABEL = "Mondkalk Tonträger (Beispiel, frei erfunden)"
HOST = "label.example"
ORIGIN = f"https://{HOST}"
RULES = Path(__file__).parent / "rules"
WITNESS = "kanzlei.example/witness"
_ENOUGH_SECONDS = 20.0
_CONFIG = f"""\
format = 1

[site]
origin = "{ORIGIN}"
hosts = ["{HOST}"]
operator = "{LABEL}"
contact = "mailto:rechte@label.example"
languages = ["de", "en"]
robots = "app"

[reservation]
capacity = "owner"
rightsholder = "{LABEL}"
may_license = true
licence_contact = "mailto:lizenzen@label.example"

[[reservation.section]]
name = "press"
paths = ["/press/"]
training = "allow"
ai_input = "allow"
tdm = "allow"

[works]
catalogue = "works.csv"

[policy]
preset = "allow-search"
mode = "%s"

[[policy.rule]]
name = "press-is-open"
match = {{ section = "press" }}
action = "allow"

[network]
refresh = false
dns = false
signatures = false

[rules]
path = "{RULES}"

[evidence]
reply_deadline = "30s"
directory = "evidence"
origin = "{HOST}/evidence"

[state]
directory = "state"
"""

# Sealing goes by the real clock, once a second; here a month passes in seconds. What looks at the clock of
# the machine has nothing to do.
sealer_thread._EVERY_SECONDS = 0.005
inbox._TICK_SECONDS = 0.01
HouseKeeping.step = lambda self: None  # type: ignore[method-assign]


class Site:
    """One run of the site, from start to stop; several follow each other in one folder."""

    def __init__(self, folder: Path, mode: str) -> None:
        (folder / "works.csv").write_text(works_csv(), "utf-8", newline="")
        (folder / "vorbehalt.toml").write_text(_CONFIG % mode, "utf-8")
        self.folder = folder
        self.app = VorbehaltMiddleware(label_site(), config=str(folder / "vorbehalt.toml"))
        assert self.app.runtime is not None
        self.runtime = self.app.runtime
        assert isinstance(self.runtime.evidence, EvidenceLog)
        self.evidence = self.runtime.evidence
        self.lists()
        self.visit("/robots.txt", "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", 9)
        state = {"event": "state", "synchronised": True, "max_error_us": 16_000, "estimated_error_us": 900}
        self.evidence.append(Draft("clock", "", time.time_ns(), state))
        self._wait(lambda: bool(self.runtime.site_robots), "the site's own robots.txt was not read")
        self.settle()

    def visit(self, path: str, agent: str, network: int, host: int = 1, **more: Any) -> bytes:
        """Let a client at an address of one of the invented networks ask; returns what it got.

        `headers` are further ones, `method` is GET unless given, `whole=False` breaks the transfer off. The
        network 3000::/16 is assigned to nobody; `address` is one of another network.
        """
        address = more.pop("address", f"3000:{network}::{host:x}")
        got = asyncio.run(self._ask(path, agent, address, **more))
        fixed.later(0.25)
        return got

    async def _ask(
        self,
        path: str,
        agent: str,
        address: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        whole: bool = True,
    ) -> bytes:
        pairs = {"host": HOST, "user-agent": agent, "accept": "*/*", **(headers or {})}
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1",
            "method": method, "scheme": "https", "path": path, "raw_path": path.encode(), "query_string": b"",
            "root_path": "", "headers": [(k.encode(), v.encode()) for k, v in pairs.items()],
            "client": (address, 50_000), "server": (HOST, 443),
        }  # fmt: skip
        parts: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.body":
                if parts and not whole:
                    raise OSError("the client has gone")
                parts.append(message.get("body", b""))

        with suppress(OSError, Exception if not whole else OSError):
            await self.app(scope, receive, send)
        return b"".join(parts)

    def lists(self) -> None:
        """Fetch the invented operators' address lists, as the site does every day."""
        documents, directory = self.runtime.settings.rules_documents, self.runtime.settings.ranges_directory
        assert directory is not None
        names = [path.stem for path in RULES.glob("ranges/*.json")]

        async def fetch(url: str, *, etag: str = "") -> Fetched:
            (name,) = [one for one in names if url in (RULES / f"ranges/{one}.json").read_text("utf-8")]
            return Fetched(url, (RULES / f"ranges/{name}.json").read_bytes(), "")

        done = asyncio.run(
            refresh(documents, directory, fetch=fetch, keep=self.evidence.put_object, only=sorted(names))
        )
        assert all(one.is_fine for one in done), done
        self.runtime._take_lists(current_lists(read_range_lists(documents), directory))

    def lose(self, count: int) -> None:
        """Lose records, as a full disk would."""
        # Nothing else may wait to be written: which of two would come first is chance.
        self.settle()
        self.evidence._losses.lose("disk_full", "request", time.time_ns(), count)
        self.settle()

    def anchor(self, url: str, witness: WitnessStore) -> None:
        """Wait until all is sealed, and have the log witnessed."""
        self.settle()
        target = WitnessTarget("kanzlei.example", url, witness.cosigner.witness.vkey)
        (outcome,) = Round(self.evidence._directory.path, [target], self.evidence, clock=time.time_ns).run(
            everybody=True
        )
        assert not outcome.why, outcome.why

    def settle(self) -> None:
        """Wait until every record is under a checkpoint."""
        directory = self.evidence._directory.path
        fixed.later(60)  # minutes whose visits were only counted have to end
        for _ in range(2):
            self._wait(lambda: self._is_idle() and _is_signed(directory), "the log is not sealed")
            time.sleep(0.003)

    def _is_idle(self) -> bool:
        return not self.evidence._inbox.is_used and not self.evidence._losses.is_pending

    def _wait(self, is_so: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + _ENOUGH_SECONDS
        while not is_so():
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.002)

    def close(self) -> None:
        self.app.close()


def _is_signed(directory: Path) -> bool:
    sealed = load_state(directory / "run" / "state.json")
    return is_all_sealed(directory) and sealed is not None and sealed.size == open_log(directory)[1].size


@contextmanager
def witness(folder: Path) -> Iterator[tuple[str, WitnessStore]]:
    """Serve the invented law firm's witness on loopback."""
    verifier = open_log(folder / "evidence")[0]
    store = WitnessStore(folder / "witness", WITNESS, {verifier.name: verifier})
    server = WitnessServer("127.0.0.1", 0, store)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def clear_environment() -> None:
    """Let nothing outside change the configuration."""
    for name in [name for name in os.environ if name.startswith("VORBEHALT_")]:
        del os.environ[name]
