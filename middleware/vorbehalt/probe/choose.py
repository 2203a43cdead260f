"""Which of the addresses that a site names are asked for. Pure, the same links give the same choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from vorbehalt.probe.exchange import Kind

MOST: Mapping[Kind, int] = {
    "page": 4, "image": 3, "media": 2, "style": 1, "script": 1, "feed": 1, "pdf": 1
}  # fmt: skip
_MOST_OF_A_FOLDER = 2


def folder(path: str) -> str:
    """The folder of a path, with its final slash."""
    return path.partition("?")[0].rpartition("/")[0] + "/"


def choose(
    links: Iterable[tuple[str, Kind]],
    base: str,
    permitted: Callable[[str], bool],
    taken: Iterable[tuple[str, Kind]] = (),
) -> list[tuple[str, Kind]]:
    """Choose a few addresses of each kind, from as many folders as there are, beyond those `taken`.

    Only addresses at `base`; pages with a query are left alone, since they may do something.
    """
    chosen: list[tuple[str, Kind]] = []
    known = {url for url, _ in taken}
    count: dict[Kind, int] = {}
    folders: dict[tuple[Kind, str, str], int] = {}
    for url, kind in taken:
        _count(url, kind, count, folders)
    usable = [
        (url, kind)
        for url, kind in links
        if kind in MOST and url not in known and _is_usable(url, kind, base)
    ]
    for most_of_a_folder in range(1, _MOST_OF_A_FOLDER + 1):
        for url, kind in usable:
            place = _place(url, kind)
            if (
                url in known
                or count.get(kind, 0) >= MOST[kind]
                or folders.get(place, 0) >= most_of_a_folder
                or not permitted(url)
            ):
                continue
            known.add(url)
            chosen.append((url, kind))
            _count(url, kind, count, folders)
    return chosen


def deepest_pages(links: Mapping[str, Kind], base: str, asked: Iterable[str]) -> list[str]:
    """Pages not yet asked for, the deepest first: there the works are."""
    known = set(asked)
    pages = [url for url, kind in links.items() if kind == "page" and url not in known]
    usable = [url for url in pages if _is_usable(url, "page", base)]
    return sorted(usable, key=lambda url: -len([part for part in urlsplit(url).path.split("/") if part]))


def _is_usable(url: str, kind: Kind, base: str) -> bool:
    parts = urlsplit(url)
    if f"{parts.scheme}://{parts.netloc}" != base:
        return False
    return not (kind == "page" and (parts.query or parts.path in ("", "/")))


def _count(url: str, kind: Kind, count: dict[Kind, int], folders: dict[tuple[Kind, str, str], int]) -> None:
    place = _place(url, kind)
    count[kind] = count.get(kind, 0) + 1
    folders[place] = folders.get(place, 0) + 1


def _place(url: str, kind: Kind) -> tuple[Kind, str, str]:
    """What is likely to be served by one rule of a server: a folder, and the ending in it."""
    path = urlsplit(url).path
    return kind, folder(path), path[path.rfind(".") :] if "." in path.rpartition("/")[2] else ""
