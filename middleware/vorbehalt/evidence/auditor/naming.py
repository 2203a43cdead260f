"""What records say of anchors, whatever they hold."""

from __future__ import annotations

from vorbehalt.evidence.tlog.leaf import seen_of

ABOUT_ANCHORS = ("anchor", "anchor-missed")


def named_files(leaf: dict[str, object]) -> list[tuple[object, object]]:
    """Returns name and digest of the files that an `anchor` record names, whatever they are."""
    files = seen_of(leaf).get("files", [])
    pairs = (
        [(item.get("name"), item.get("sha256")) if isinstance(item, dict) else (None, None) for item in files]
        if isinstance(files, list)
        else []
    )
    return pairs
