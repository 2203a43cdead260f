"""The terms of one host as files: the signal documents, and configuration for servers that run without us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vorbehalt.reservation.bundle import Bundle
from vorbehalt.reservation.static_site import apache, caddy, header_files, nginx, traefik, while_down
from vorbehalt.reservation.static_site.layout import layout_of
from vorbehalt.reservation.terms import Terms

SERVER_FOLDER = "server"
"""The folder, beside the documents, with the files for servers."""


@dataclass(frozen=True, slots=True)
class Export:
    """Files by name (relative, with slashes). `remarks`: where a server cannot say what the terms say."""

    files: Mapping[str, bytes]
    remarks: tuple[str, ...] = ()


def export(terms: Terms, bundle: Bundle, key: str = "") -> Export:
    """All files of one host. `key` is its name in the configuration, empty for the default host."""
    remarks: list[str] = []
    layout = layout_of(terms, bundle, key)
    files = {document.path.lstrip("/"): document.body for document in layout.documents}
    for name, made in (
        ("nginx", (nginx.files(layout), ())),
        ("caddy", (caddy.files(layout), ())),
        ("apache", (apache.files(layout), ())),
        ("traefik", traefik.files(layout)),
        ("static-hosts", header_files.files(layout)),
        ("while-down", (while_down.files(layout), ())),
    ):
        found, said = made
        files |= {
            f"{SERVER_FOLDER}/{name}/{file}": text.encode("utf-8", "replace") for file, text in found.items()
        }
        remarks += (f"server/{name}: {remark}" for remark in said)
    return Export(files, tuple(remarks))
