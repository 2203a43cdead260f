"""Where a configuration comes from: a TOML file, a mapping, and the environment over either."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vorbehalt.errors import ConfigError, Problem
from vorbehalt.policy.tables import Flaw, Override
from vorbehalt.settings.lines import find_line, key_lines
from vorbehalt.settings.problems import is_warning

MAPPING = "<mapping>"
ENVIRONMENT = "<environment>"
_VARIABLE = re.compile(r"VORBEHALT_([A-Z0-9]+(?:_[A-Z0-9]+)*(?:__[A-Z0-9]+(?:_[A-Z0-9]+)*)+)")
_SYNTAX_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration as read. `base` is the folder that relative paths resolve against."""

    name: str
    path: str
    base: Path
    data: dict[str, object]
    lines: dict[str, int] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    """Dotted key -> the environment variable that set it."""

    def problem(self, flaw: Flaw) -> Problem:
        """Give a flaw its place."""
        variable = self._variable(flaw.key)
        # Keys may hold anything, and a problem is one line of a terminal or a log.
        key, message = _printable(flaw.key), _printable(flaw.message)
        if variable:
            return Problem(ENVIRONMENT, 0, key, flaw.id, f"{variable}: {message}")
        if self.name == MAPPING:
            # There are no lines to point at, so the message must carry the key.
            return Problem(self.name, 0, key, flaw.id, message if key in message else f"{key}: {message}")
        return Problem(self.name, find_line(self.lines, flaw.key) or 1, key, flaw.id, message)

    def _variable(self, key: str) -> str:
        """The variable that set a key, or that made the table of this name."""
        around = key
        while around:
            if around in self.variables:
                return self.variables[around]
            around = around.rpartition(".")[0]
        if key and key not in self.lines and self.name != MAPPING:
            return next((v for name, v in self.variables.items() if name.startswith(f"{key}.")), "")
        return ""

    def sort(self, flaws: list[Flaw]) -> tuple[list[Problem], list[Problem]]:
        """Return errors and warnings in the order of the file, each once."""
        problems = sorted(
            dict.fromkeys(self.problem(flaw) for flaw in flaws), key=lambda p: (p.file, p.line, p.id, p.key)
        )
        return (
            [problem for problem in problems if not is_warning(problem.id)],
            [problem for problem in problems if is_warning(problem.id)],
        )


def read_source(config: str | Path | Mapping[str, object], environ: Mapping[str, str]) -> Source:
    """Read a configuration; ConfigError with one problem if there is nothing to read from it."""
    if isinstance(config, Mapping):
        data = {str(key): _plain(value) for key, value in config.items()}
        source = Source(MAPPING, MAPPING, Path.cwd(), data)
    else:
        source = _read_file(str(config))
    _override(source, environ)
    return source


def _read_file(name: str) -> Source:
    path = os.path.abspath(name)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        # tomllib speaks LF and CRLF; a lone CR counts as a control character there, with a line.
        data = tomllib.loads(text)
    except OSError as error:
        raise _failed(name, 0, "V002", f"the file cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise _failed(name, 1, "V001", f"the file is not UTF-8: {error.reason}") from None
    except RecursionError:
        raise _failed(name, 1, "V001", "the file is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        raise _failed(name, line, "V001", str(error)) from None
    return Source(name, path, Path(path).parent, data, key_lines(text))


def _failed(name: str, line: int, id: str, message: str) -> ConfigError:
    return ConfigError([Problem(name, line, "", id, message)])


def _override(source: Source, environ: Mapping[str, str]) -> None:
    for variable in sorted(environ):
        found = _VARIABLE.fullmatch(variable)
        # An empty variable counts as unset, as compose files and unit files leave them.
        if not found or not environ[variable].strip():
            continue
        *tables, last = found[1].lower().split("__")
        place: dict[str, object] = source.data
        for name in tables:
            below = place.get(name)
            if not isinstance(below, dict):
                below = place[name] = dict(below) if isinstance(below, Mapping) else {}
            place = below
        # `user-fetch` cannot stand in a variable's name, `USER_FETCH` can; only purposes have hyphens.
        name = last.replace("_", "-") if tables == ["evidence", "record"] else last
        place[name] = Override(environ[variable], _as_toml(environ[variable]))
        source.variables[".".join((*tables, name))] = variable


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _plain(value: object) -> object:
    """A private copy in the types that TOML has; a path is as good as its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _as_toml(raw: str) -> object:
    try:
        data = tomllib.loads(f"value = {raw}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return raw
    return data["value"] if len(data) == 1 else raw
