"""Listening sockets, bound by ourselves so that a wrong or taken address is said in a sentence."""

from __future__ import annotations

import os
import socket
import stat

from vorbehalt.errors import VorbehaltError

_BACKLOG = 2048


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of ADDRESS:PORT (IPv6 in brackets). Raises VorbehaltError with a sentence."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise VorbehaltError(f"{address!r} is not of the form ADDRESS:PORT, such as 127.0.0.1:9100")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise VorbehaltError(f"{address!r}: an IPv6 address stands in brackets, such as [::1]:9100")
    return host.strip("[]") or "127.0.0.1", int(port)


def listening_socket(address: str) -> socket.socket:
    """Return a bound socket for ADDRESS:PORT or unix:/path. Raises VorbehaltError with a sentence.

    A socket file that nobody listens on is replaced, one in use is not.
    """
    if address.startswith("unix:"):
        return _unix_socket(address.removeprefix("unix:"))
    host, port = split_address(address)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise VorbehaltError(f"cannot listen on {address}: {error.strerror or error}") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise VorbehaltError(f"cannot listen on {address}: {error.strerror}") from error
    return bound


def _unix_socket(path: str) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_deserted(path):
            os.unlink(path)
        bound.bind(path)
        # Whoever may reach the folder may connect, as with a TCP port; the proxy runs as another user.
        os.chmod(path, 0o666)  # noqa: S103
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise VorbehaltError(f"cannot listen on unix:{path}: {error.strerror or error}") from error
    return bound


def _is_deserted(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
    return False
