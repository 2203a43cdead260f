"""The form of what a person is given to paste after `init`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of text with the place where it belongs. `file` is its name below deploy/, if it has one."""

    place: str
    text: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Snippet:
    """What a person reads after `init`. `site` is where the site listens, for the curl lines."""

    intro: str
    parts: tuple[Part, ...]
    last_word: str = ""
    site: str = "http://127.0.0.1:8000"

    def render(self, host: str) -> str:
        """Return the whole text, `@HOST@` filled in."""
        blocks = [self.intro]
        for part in self.parts:
            blocks.append(f"{part.place}:")
            blocks.append(
                "\n".join(f"    {line}" if line else "" for line in part.text.rstrip().splitlines())
            )
        if self.last_word:
            blocks.append(self.last_word)
        return "\n\n".join(blocks).replace("@HOST@", host) + "\n"
