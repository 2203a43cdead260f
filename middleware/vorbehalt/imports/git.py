"""Versions of a file out of a git repository: every commit that changed it. Nothing in there is run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vorbehalt.imports.found import MAX_BODY, Found, Note, SourceError, clipped, iso, media_type_of

MAX_COMMITS = 10_000
_SECONDS = 120
_SAFE = (
    "--no-pager", "--no-replace-objects", "--literal-pathspecs",
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "log.showSignature=false", "-c", "log.follow=false",
)  # fmt: skip
_SYMLINK = "120000"


@dataclass(frozen=True, slots=True)
class _Commit:
    id: str
    committed: int
    authored: int


@dataclass(frozen=True, slots=True)
class _Blob:
    id: str
    size: int


class Repository:
    """One repository, read through the git program with arguments that no file name can turn into options."""

    def __init__(self, path: Path) -> None:
        git = shutil.which("git")
        if git is None:
            raise SourceError("the git program is needed to read a repository")
        if not path.is_dir():
            raise SourceError(f"{path} is no folder")
        self._git = git
        self._path = str(path.resolve())
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        # A partial clone would fetch what it lacks, by whatever program its configuration names.
        self._environment = kept | {
            "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C",
        }  # fmt: skip
        self._run("rev-parse", "--git-dir", failure=f"{path} is no git repository")

    @property
    def is_shallow(self) -> bool:
        return self._run("rev-parse", "--is-shallow-repository").strip() == b"true"

    def commits(self, path: str) -> list[_Commit]:
        """Return the commits that changed a file, oldest first."""
        if self._run("rev-list", "--all", "--max-count=1").strip() == b"":
            return []
        lines = self._run(
            "log", "--topo-order", "--no-patch", "--format=%H %ct %at", f"--max-count={MAX_COMMITS + 1}",
            "HEAD", "--", f"./{path}",
            failure="its history cannot be read",
        ).decode("ascii", "replace").split("\n")  # fmt: skip
        found = []
        for line in reversed(lines):
            parts = line.split(" ")
            if len(parts) == 3:
                found.append(_Commit(parts[0], int(parts[1]), int(parts[2])))
        # Clocks differ between authors; of equal times the order of the history holds.
        return sorted(found, key=lambda commit: commit.committed)

    def blob(self, commit: _Commit, path: str, note: Note) -> _Blob | None:
        """Return the file as it stood in a commit; None if there was none."""
        entry = self._run("ls-tree", "-l", "-z", commit.id, "--", f"./{path}").split(b"\0")[0]
        fields = entry.partition(b"\t")[0].split()
        if len(fields) != 4 or fields[1] != b"blob":
            return None
        if fields[0].decode("ascii", "replace") == _SYMLINK:
            note(f"{path} is a symbolic link in commit {commit.id[:12]}: left out, it names no bytes")
            return None
        return _Blob(fields[2].decode("ascii"), int(fields[3]))

    def body(self, blob: _Blob) -> bytes:
        return self._run("cat-file", "blob", blob.id)

    def _run(self, *arguments: str, failure: str = "git failed") -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - no shell; see _SAFE and the environment
                [self._git, *_SAFE, "-C", self._path, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceError(f"{failure}: git did not answer within {_SECONDS} seconds") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
            raise SourceError(f"{failure}: {said}")
        return done.stdout


def read_git(
    path: Path,
    files: Sequence[tuple[str, str]],
    *,
    now: int,
    since: int | None = None,
    until: int | None = None,
    note: Note,
) -> list[Found]:
    """Read the versions of files, given as (path in the repository, served path).

    A version is valid from the date of its commit until that of the next one that changed or removed the
    file; neither says when it was put on the server. `now` is nanoseconds UTC. Raises SourceError.
    """
    repository = Repository(path)
    if repository.is_shallow:
        note("the clone is shallow: what was before its oldest commit is not in it")
    found: list[Found] = []
    for file, document in files:
        found += _versions(repository, file, document, now, note)
    return clipped(found, since, until)


def _versions(repository: Repository, file: str, document: str, now: int, note: Note) -> list[Found]:
    commits = repository.commits(file)
    if len(commits) > MAX_COMMITS:
        note(f"{file}: only the newest {MAX_COMMITS} commits are read")
        commits = commits[1:]
    versions: list[Found] = []
    last: _Blob | None = None
    for commit in commits:
        at = commit.committed * 10**9
        if not 0 <= at <= now:
            note(f"{file}: commit {commit.id[:12]} is dated {_date(commit.committed)}: left out")
            continue
        blob = repository.blob(commit, file, note)
        if blob == last:
            continue
        if versions and versions[-1].valid_until is None:
            versions[-1] = _ended(versions[-1], at)
        last = blob
        if blob is None:
            continue
        if blob.size > MAX_BODY:
            note(f"{file}: left out in commit {commit.id[:12]}: {blob.size} bytes are too long")
            continue
        detail = {
            "commit": commit.id,
            "path": file,
            "committed": iso(commit.committed),
            "authored": _date(commit.authored),
            "blob": blob.id,
        }
        versions.append(Found(document, repository.body(blob), media_type_of(document), at, None, detail))
    # Two commits within one second: the later one is what counted.
    return [version for version in versions if version.valid_until != version.valid_from]


def _ended(version: Found, at: int) -> Found:
    return Found(version.document, version.body, version.media_type, version.valid_from, at, version.detail)


def _date(seconds: int) -> str:
    try:
        return iso(seconds)
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970"
