"""Whether a time stamp holds: what it is over, who signed it, under which pinned root, at its own time."""

from __future__ import annotations

import calendar
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vorbehalt.evidence.anchor.token import Token, TokenError, granted, read_response, require

Means = Literal["rfc3161-client", "openssl", ""]

_OPENSSL_SECONDS = 20.0
_STAMP = re.compile(
    r"^Time stamp: ([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)? (\d{4}) GMT$", re.M
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A token that is over the right bytes. `by` says what checked its signature; empty: nothing could.

    `time` is nanoseconds. `token` is None where only openssl could read it.
    """

    time: int
    by: Means
    token: Token | None = None


def check_response(
    response: bytes, data: bytes, roots: str, *, nonce: int | None = None, policy: str = ""
) -> Checked:
    """Check the raw response of an authority over `data` against pinned roots (PEM), as of its own time.

    Raises TokenError with the reason if it does not hold. Without the extra `anchor` openssl does it all;
    what neither can check is returned as not checked, if at least its contents could be read.
    """
    try:
        token = read_response(response)
    except ImportError:
        if shutil.which("openssl") is None:
            return Checked(0, "")
        return Checked(_by_openssl(response, data, roots), "openssl")
    require(token, data, nonce, policy)
    if _by_library(token, data, roots):
        return Checked(token.time, "rfc3161-client", token)
    if shutil.which("openssl") is None:
        return Checked(token.time, "", token)
    _by_openssl(response, data, roots)
    return Checked(token.time, "openssl", token)


def _by_library(token: Token, data: bytes, roots: str) -> bool:
    """True if it holds, False if the library cannot read it; raises TokenError if it does not hold."""
    try:
        from cryptography.x509 import load_pem_x509_certificates
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
    except ImportError:
        return False
    try:
        certificates = load_pem_x509_certificates(roots.encode("ascii", "replace"))
    except ValueError:
        raise TokenError("the pinned roots are no certificates") from None
    verifier = VerifierBuilder(roots=list(dict.fromkeys(certificates))).build()
    for cms in dict.fromkeys((token.cms, token.sorted_cms)):
        try:
            answer = decode_timestamp_response(granted(cms))
            verifier.verify_message(answer, data)
        except VerificationError as error:
            raise TokenError(f"its signature does not hold under the pinned roots: {error}") from None
        except Exception:  # noqa: S112 - whatever a stranger's certificates make the parsers raise
            continue  # it is strict where CMS is not; the next form, or openssl
        return True
    return False


def _by_openssl(response: bytes, data: bytes, roots: str) -> int:
    """Return the time of a response that holds at that time; raises TokenError."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("tsr", response), ("data", data), ("roots", roots.encode())):
            Path(folder, name).write_bytes(content)
        shown = _openssl(folder, "-reply", "-in", "tsr", "-text")
        found = _STAMP.search(shown)
        if found is None:
            raise TokenError("no time stamp response (openssl finds no time in it)")
        seconds = calendar.timegm(time.strptime(f"{found[1]} {found[3]}", "%b %d %H:%M:%S %Y"))
        _openssl(
            folder, "-verify", "-in", "tsr", "-data", "data", "-CAfile", "roots", "-attime", str(seconds)
        )
    # No finer than microseconds, as the other reader: both must name one time.
    return seconds * 10**9 + int((found[2] or "")[:6].ljust(9, "0"))


def _openssl(folder: str, *args: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and file names of our own
            ["openssl", "ts", *args],  # noqa: S607 - whichever openssl this machine has
            cwd=folder,
            capture_output=True,
            timeout=_OPENSSL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TokenError(f"openssl could not check it: {error}") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if ":error:" in line]
        reason = lines[0].split(":")[5] if lines and lines[0].count(":") > 4 else "no reason given"
        raise TokenError(f"it does not hold under the pinned roots (openssl: {reason})")
    return done.stdout.decode("utf-8", "replace")
