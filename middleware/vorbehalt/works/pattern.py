"""URL patterns: `/lyrics/{id}` says that each path of this form is the page of one work."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vorbehalt.works.identifiers import SCHEMES, IdentifierError, parse_identifier

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class UrlPattern:
    """One pattern with one placeholder, which stands for one segment of the path or a part of it."""

    text: str
    scheme: str
    form: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> UrlPattern:
        """Compile a pattern. ValueError says what is wrong with it, as the end of a sentence."""
        names = _PLACEHOLDER.findall(text)
        if not text.startswith("/"):
            raise ValueError("does not begin with /")
        if len(names) != 1 or "{" in (rest := _PLACEHOLDER.sub("", text)) or "}" in rest:
            raise ValueError("needs one placeholder, such as {id} or {isrc}")
        scheme = "own" if names[0] == "id" else names[0]
        if scheme not in SCHEMES:
            raise ValueError(f"has no known placeholder; use {{id}} or one of {', '.join(SCHEMES)}")
        before, after = text.split("{" + names[0] + "}")
        return cls(text, scheme, re.compile(f"{re.escape(before)}([^/]+){re.escape(after)}"))

    def work_at(self, path: str) -> str | None:
        """Return the work at a decoded, normal path; None if the path has another form, or names no work."""
        found = self.form.fullmatch(path)
        if found is None:
            return None
        try:
            return parse_identifier(self.scheme, found[1])
        except IdentifierError:
            return None


def work_by(patterns: tuple[UrlPattern, ...], path: str) -> str | None:
    """Return the work that the first fitting pattern finds at a path."""
    for pattern in patterns:
        if (work := pattern.work_at(path)) is not None:
            return work
    return None
