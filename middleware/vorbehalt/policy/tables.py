"""Reading a TOML table key by key: what is wrong is gathered with its key, what nobody asked for is named.

Rules and settings read their tables with this, so that all flaws of a file are found at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

_SYNONYMS = {
    "search-index": "search",
    "ai-search": "search",
    "seo-data": "seo",
    "library": "tool",
    "agent-browser": "agent",
    "user-agent": "token",
    "ip": "address",
    "deny": "block",
    "reject": "block",
    "throttle": "limit",
    "monitoring": "monitor",
    "detect": "observe",
    "dry-run": "observe",
    "block": "enforce",
    "disallow": "reserve",
    "deny-all": "reserve-all",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with a table. `key` is dotted, `id` is stable (`V003`, see settings/problems.py)."""

    key: str
    id: str
    message: str


@dataclass(frozen=True, slots=True)
class Override:
    """A value that came from the environment: `raw` as written, `value` as TOML if it is TOML."""

    raw: str
    value: object


class Table:
    """One table. Every reading method takes the key's last part and returns a usable value, flaw or not."""

    def __init__(self, data: Mapping[str, object], key: str, flaws: list[Flaw]) -> None:
        self._data = data
        self._asked: set[str] = set()
        self.key = key
        self.flaws = flaws

    def has(self, name: str) -> bool:
        return name in self._data

    def where(self, name: str) -> str:
        """Return the dotted key of a name in this table."""
        return f"{self.key}.{name}" if self.key else name

    def flaw(self, name: str, id: str, message: str) -> None:
        """Note something wrong with a name of this table ("" is the table itself)."""
        self.flaws.append(Flaw(self.where(name) if name else self.key, id, message))

    def raw(self, name: str, kind: type = object) -> object:
        """Return the value as it stands, None if absent; a text from the environment needs no quotes."""
        self._asked.add(name)
        value = self._data.get(name)
        if isinstance(value, Override):
            if kind is str and not isinstance(value.value, str):
                return value.raw
            return value.value
        return value

    def raw_entry(self, name: str) -> object:
        """Return the value with its mark of the environment, for a table made of others."""
        return self._data[name]

    def text(self, name: str, default: str = "", *, required: bool = False) -> str:
        """Return a text without control characters."""
        value = self.raw(name, str)
        if value is None:
            if required:
                self.flaw(name, "V005", f"{self.where(name)} is missing")
            return default
        if not isinstance(value, str):
            self._wrong(name, "a text", value)
            return default
        if not self._clean(name, value):
            return default
        if required and not value.strip():
            self.flaw(name, "V005", f"{self.where(name)} is empty")
        return value.strip()

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._wrong(name, "true or false", value)
            return default
        return value

    def number(self, name: str, *, least: float = 0) -> float | None:
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            self._wrong(name, "a number", value)
            return None
        if value < least:
            self.flaw(name, "V007", f"{self.where(name)} must be at least {least:g}, not {value:g}")
            return None
        return value

    def choice(self, name: str, default: str, options: Collection[str], *, required: bool = False) -> str:
        """Return one of a closed set of words."""
        value = self.text(name, "", required=required)
        if not value:
            if self.raw(name, str) == "" and not required:
                self.flaw(name, "V007", f"{self.where(name)} is empty; {one_of(options)}")
            return default
        return value if self._listed(name, value, options) else default

    def texts(self, name: str, *, lone: bool = False) -> tuple[str, ...]:
        """Return a list of texts; with `lone` a single text stands for a list of one."""
        value = self.raw(name)
        if value is None:
            return ()
        if isinstance(value, str) and (lone or isinstance(self._data.get(name), Override)):
            value = [value]
        if not isinstance(value, list | tuple):
            self._wrong(name, 'a list of texts, such as ["..."]', value)
            return ()
        texts = []
        for item in value:
            if not isinstance(item, str):
                self._wrong(name, "a list of texts", item)
            elif self._clean(name, item):
                if item.strip():
                    texts.append(item.strip())
                else:
                    self.flaw(name, "V007", f"{self.where(name)} holds an empty text")
        return tuple(texts)

    def choices(self, name: str, options: Collection[str]) -> tuple[str, ...]:
        """Return a list of words of a closed set."""
        return tuple(value for value in self.texts(name, lone=True) if self._listed(name, value, options))

    def table(self, name: str) -> Table:
        """Return a table below this one; absent: an empty one."""
        value = self.raw(name)
        if value is not None and not isinstance(value, Mapping):
            self._wrong(name, f"a table, [{self.where(name)}]", value)
            value = None
        return Table(value or {}, self.where(name), self.flaws)

    def tables(self, name: str) -> list[Table]:
        """Return an array of tables."""
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self._wrong(name, f"an array of tables, [[{self.where(name)}]]", value)
            return []
        found = []
        for index, item in enumerate(value):
            place = f"{self.where(name)}[{index}]"
            if isinstance(item, Mapping):
                found.append(Table(item, place, self.flaws))
            else:
                self.flaws.append(Flaw(place, "V004", f"{place} must be a table, not {shown(item)}"))
        return found

    def items(self) -> Iterable[str]:
        """Return the names that stand in this table."""
        return tuple(self._data)

    def finish(self) -> None:
        """Note every name that no reading method has asked for."""
        for name in self._data:
            if name not in self._asked:
                hint = did_you_mean(str(name), self._asked)
                place = f" in [{self.key}]" if self.key else ""
                self.flaw(str(name), "V003", f"unknown key {shown(name)}{place}{hint}")

    def _listed(self, name: str, value: str, options: Collection[str]) -> bool:
        if value in options:
            return True
        hint = did_you_mean(value, options) or f"; {one_of(options)}"
        self.flaw(name, "V007", f"{self.where(name)} cannot be {shown(value)}{hint}")
        return False

    def _clean(self, name: str, value: str) -> bool:
        bad = next((char for char in value if ord(char) < 32 or 127 <= ord(char) < 160), None)
        if bad is None:
            return True
        # These texts end up in headers and documents, where a line break would forge a line.
        self.flaw(name, "V008", f"{self.where(name)} holds the control character U+{ord(bad):04X}")
        return False

    def _wrong(self, name: str, wanted: str, value: object) -> None:
        self.flaw(name, "V004", f"{self.where(name)} must be {wanted}, not {shown(value)}")


def shown(value: object) -> str:
    """Return a value as an error message shows it: short, on one line, without control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    text = "".join(char if char.isprintable() else "?" for char in text[:60]) + (
        "…" if len(text) > 60 else ""
    )
    return f'"{text}"' if isinstance(value, str) else text


def did_you_mean(word: str, options: Collection[str]) -> str:
    """Return `; did you mean "..."?` for a near miss, or nothing."""
    by_lower = {option.lower(): option for option in options}
    lower = word.lower().replace("_", "-") if word.lower() not in by_lower else word.lower()
    guess = by_lower.get(lower) or by_lower.get(lower.replace("-", "_"))
    if guess is None and _SYNONYMS.get(lower) in options:
        guess = _SYNONYMS[lower]
    if guess is None:
        close = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.7)
        guess = by_lower[close[0]] if close else None
    return f'; did you mean "{guess}"?' if guess else ""


def one_of(options: Collection[str]) -> str:
    """Return the sentence that lists what is allowed."""
    return "use one of: " + ", ".join(options)
