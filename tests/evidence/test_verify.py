"""The stand-alone verifier as a stranger runs it: copied, without any package, by its exit code and words."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tlog_support import SIGNER, Log, Writer, audit, check, leaves, put, run_script, small_log
from vorbehalt.errors import EvidenceError
from vorbehalt.evidence import verify as standalone
from vorbehalt.evidence.reading.query import Filters, prove, show
from vorbehalt.evidence.tlog.leaf import encode_leaf
from vorbehalt.evidence.tlog.note import Signer, Verifier
from vorbehalt.evidence.tlog.proof import parse_proof, verify_proof

SOURCE = Path(standalone.__file__)

pytestmark = pytest.mark.real("openssl")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    found = small_log(tmp_path_factory.mktemp("log") / "evidence")
    shutil.copy(SOURCE, found.directory / "verify.py")
    return found


def run(log: Log, *args: str) -> subprocess.CompletedProcess[str]:
    return run_script(log.directory / "verify.py", str(log.directory), *args)


def test_it_is_short_and_needs_nothing() -> None:
    text = SOURCE.read_text("utf-8")
    assert len(text.splitlines()) <= 150
    tree = ast.parse(text, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names)


def test_a_log_that_holds(log: Log) -> None:
    done = run(log, "--vkey", SIGNER.vkey)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the one you gave" in done.stdout
    assert "258" in done.stdout


def test_without_a_key_it_says_what_that_means(log: Log) -> None:
    done = run(log)
    assert done.returncode == 0
    assert "key taken from the bundle: integrity, not authorship" in done.stdout


def test_a_changed_byte_fails_and_is_named(log: Log) -> None:
    path = log.directory / "log/tile/entries/000"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"/song/5", b"/song/6", 1))
    try:
        done = run(log)
    finally:
        path.write_bytes(data)
    assert done.returncode == 1
    assert "log/tile/entries/000" in done.stdout


def test_another_key_fails(log: Log) -> None:
    assert run(log, "--vkey", Signer(SIGNER.name, bytes(32)).vkey).returncode == 1


def test_an_older_checkpoint_is_compared(log: Log, tmp_path: Path) -> None:
    assert run(log, "--against", str(log.directory / "anchors/3.checkpoint")).returncode == 0
    other = Log(tmp_path / "other")
    put(tmp_path / "note", other.seal([Writer("other").leaf()]))
    assert run(log, "--against", str(tmp_path / "note")).returncode == 1


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["nowhere"],
        ["{log}", "--vkey", "nonsense"],
        ["{log}", "--vkey", "a+b"],
        ["{log}", "--against", "nowhere"],
        ["{log}", "--tsa-root", "nowhere"],
        ["{log}", "--unknown"],
        ["{log}", "more"],
    ],
)
def test_wrong_usage(args: list[str], log: Log) -> None:
    done = run_script(log.directory / "verify.py", *[arg.format(log=log.directory) for arg in args])
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_hostile_names_reach_no_terminal_raw(log: Log) -> None:
    path = log.directory / "anchors/\x1b[2Jevil"
    path.write_bytes(b"x")
    try:
        done = run(log)
    finally:
        path.unlink()
    assert done.returncode == 1
    assert "\x1b" not in done.stdout


def test_a_log_that_grows_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log, writer = Log(tmp_path / "evidence"), Writer()
    log.seal(leaves(10, writer))
    original, calls = standalone.Check.log, []

    def grow_first(self: standalone.Check) -> object:
        calls.append(1)
        if len(calls) == 1:
            log.seal(leaves(5, writer))
        return original(self)

    monkeypatch.setattr(standalone.Check, "log", grow_first)
    monkeypatch.setattr(sys, "argv", ["verify.py", str(log.directory)])
    assert standalone.main() == 0
    assert len(calls) == 2
    assert "15" in capsys.readouterr().out


def test_time_stamps_are_checked_by_openssl(tmp_path: Path) -> None:
    """A time stamping authority made for this test; its certificate and another one."""
    log, writer = Log(tmp_path / "evidence"), Writer()
    log.seal(leaves(3, writer))
    log.freeze()
    config = (
        "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ncrypto_device = builtin\nsigner_cert = tsa.pem\n"
        "signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256\n"
        "accuracy = secs:1\ness_cert_id_chain = no\n"
    )
    (tmp_path / "ts.cnf").write_text(config)
    (tmp_path / "serial").write_text("01\n")
    usage = ["-addext", "extendedKeyUsage=critical,timeStamping", "-addext", "keyUsage=digitalSignature"]

    def openssl(*args: str) -> None:
        done = subprocess.run(["openssl", *args], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    for name in ("tsa", "stranger"):
        subject = ["-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2"]
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *usage)
    note = str(log.directory / "anchors/3.checkpoint")
    openssl("ts", "-query", "-data", note, "-sha256", "-cert", "-out", "query")
    openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "reply")
    token = (tmp_path / "reply").read_bytes()
    put(log.directory / "anchors/3.test.tsr", token)
    named = [{"name": "3.test.tsr", "sha256": standalone.sha(token).hex()}]
    log.seal([writer.leaf("anchor", seen={"files": named})])
    assert audit(log.directory).ok
    good, other = ((tmp_path / f"{name}.pem").read_bytes() for name in ("tsa", "stranger"))
    assert standalone.Check(log.directory, None, None, good).problems == []
    assert any("3.test.tsr" in text for text in standalone.Check(log.directory, None, None, other).problems)


def test_no_error_escapes_from_hostile_directories(tmp_path: Path) -> None:
    hostile = {"log/vkey": b"\xff", "log/checkpoint": b"\n\n", "log/tile/0/000": b"", "anchors/x": b""}
    for name, data in hostile.items():
        put(tmp_path / "evidence" / name, data)
        assert check(tmp_path / "evidence").problems


# Reading and proving single records


def test_show_yields_records_with_their_index(log: Log) -> None:
    found = list(show(log.directory))
    assert [record["index"] for record in found] == list(range(258))
    assert found[0]["type"] == "policy-active"
    assert next(iter(found[0])) == "index"


def test_show_filters(log: Log) -> None:
    def count(**wanted: object) -> int:
        return len(list(show(log.directory, Filters(**wanted))))  # type: ignore[arg-type]

    assert count(type="anchor") == 1
    assert count(ref="r7") == 1
    assert count(writer="nobody") == 0
    assert count(start=250) == 8
    assert count(since=1_790_000_010_000_000_000) == 248
    assert count(until=1_790_000_010_000_000_000) == 10
    # Each batch of `leaves` counts its paths from zero.
    assert count(fields={"seen.path": "/song/1"}) == 2
    assert count(fields={"seen.none": "x"}) == 0


@pytest.mark.parametrize("index", [0, 3, 255, 256, 257])
def test_a_proof_holds_for_its_record(index: int, log: Log) -> None:
    proof = parse_proof(prove(log.directory, index))
    record = next(show(log.directory, Filters(start=index)))
    entry = encode_leaf({key: value for key, value in record.items() if key != "index"})
    assert verify_proof(proof, entry, Verifier.from_vkey(SIGNER.vkey)).size == 258


@pytest.mark.parametrize("index", [-1, 258, 10**9])
def test_there_is_no_proof_of_a_record_that_is_not_there(index: int, log: Log) -> None:
    with pytest.raises(EvidenceError):
        prove(log.directory, index)
