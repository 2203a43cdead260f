"""Several processes at one log: forks, deaths, exits without a close."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from evidence_log_support import leaves_of
from vorbehalt.evidence.auditor.audit import verify as audit
from vorbehalt.evidence.sealing.sealer import seal_once


def run_script(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


WORKER = """
import asyncio, sys, time
from pathlib import Path
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft
log = open_evidence(sys.argv[1], "example.org/evidence", {}, clients_per_minute=10**9)
log.start()
async def main():
    number = 0
    while number < int(sys.argv[3]):
        receipts = []
        for _ in range(7):
            number += 1
            ref = f"{sys.argv[2]}-{number}"
            draft = Draft(type="request", ref=ref, at=time.time_ns(), seen={"path": "/" * 40})
            draft.private["address"] = b"203.0.113.77"
            receipts.append((ref, log.append(draft)))
        for ref, receipt in receipts:
            assert await receipt.durable(20)
            print(ref, flush=True)
asyncio.run(main())
log.close()
"""


def test_two_processes_share_a_directory_and_one_of_them_seals(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    workers = [run_script(WORKER, str(home), name, "280") for name in ("a", "b")]
    printed = [worker.communicate(timeout=60)[0].split() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0]
    seal_once(home)
    leaves = leaves_of(home)
    assert {leaf["ref"] for leaf in leaves if leaf["type"] == "request"} == {*printed[0], *printed[1]}
    assert len({leaf["w"] for leaf in leaves}) == 2
    assert list((home / "spool").iterdir()) == []
    assert audit(home).problems == ()


def test_what_was_acknowledged_survives_the_death_of_the_process(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    for name in ("a", "b", "c"):
        worker = run_script(WORKER, str(home), name, "1000000")
        assert worker.stdout is not None
        printed = [worker.stdout.readline().strip() for _ in range(60)]
        worker.kill()
        printed += worker.stdout.read().split("\n")[:-1]
        worker.wait()
        worker.stdout.close()
        seal_once(home)

        refs = [leaf["ref"] for leaf in leaves_of(home) if leaf["type"] == "request"]
        assert {ref for ref in printed if ref} <= set(refs)
        assert len(refs) == len(set(refs))
        assert audit(home).problems == ()


FORKING = """
import asyncio, os, sys, time
from vorbehalt.evidence.log import open_evidence
from vorbehalt.evidence.receipt import Draft
log = open_evidence(sys.argv[1], "example.org/evidence", {})
log.start()
def write(ref):
    receipt = log.append(Draft(type="request", ref=ref, at=time.time_ns(), seen={}))
    assert asyncio.run(receipt.durable(20))
write("parent-1")
children = []
for number in range(2):
    child = os.fork()
    if child == 0:
        write(f"child-{number}")
        log.close()
        os._exit(0)
    children.append(child)
write("parent-2")
for child in children:
    assert os.waitpid(child, 0)[1] == 0
write("parent-3")
log.close()
"""


def test_a_child_after_a_fork_is_a_writer_of_its_own(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    process = run_script(FORKING, str(home))
    process.communicate(timeout=60)

    assert process.returncode == 0
    seal_once(home)
    writers: dict[str, list[str]] = {}
    for leaf in leaves_of(home):
        if leaf["type"] == "request":
            writers.setdefault(leaf["w"], []).append(leaf["ref"])
    assert sorted(writers.values()) == [["child-0"], ["child-1"], ["parent-1", "parent-2", "parent-3"]]
    assert audit(home).problems == ()


def test_an_exit_without_a_close_still_writes_all(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    script = WORKER.replace("log.close()\n", "")
    worker = run_script(script, str(home), "a", "7")
    worker.communicate(timeout=60)

    assert worker.returncode == 0
    assert leaves_of(home)[-1]["type"] == "writer-close"
