"""What goes over the wire, as files in tests/served.

The files are never written by a test. After a change that is meant, run
`PYTHONPATH=tests python tests/reservation/test_served.py` and read the difference before it is committed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from terms_support import Terms
from vorbehalt.engine import Engine
from vorbehalt.reservation.bundle import Bundle, render
from vorbehalt.reservation.terms import Section
from vorbehalt.reservation.uses import Uses
from vorbehalt.settings import load
from vorbehalt.stores.memory import MemoryLimits

SERVED = Path(__file__).parent.parent / "served"
REFUSED = ("GPTBot", "ClaudeBot", "CCBot", "Bytespider", "Google-Extended", "Applebot-Extended")
SEARCH = ("Googlebot", "bingbot")
SITE_ROBOTS = b"""# robots.txt of a small label
User-agent: *
Disallow: /admin/
Disallow: /*.tmp$
Crawl-delay: 2

User-agent: Googlebot
Disallow: /search

User-agent: GPTBot
Allow: /press/
Disallow: /

Sitemap: https://label.example/sitemap.xml
"""
OPEN = Uses("allow", "allow", "allow", "allow")
LABEL = Terms(
    "https://label.example",
    "Label Example GmbH",
    "mailto:licensing@label.example",
    rightsholder="Label Example GmbH",
)


def _cases() -> dict[str, Bundle]:
    press = Section("press", ("/press/",), OPEN)
    everything = Uses(search="reserve")
    return {
        "default": render(LABEL, None, REFUSED, SEARCH),
        "all-reserved": render(
            Terms(LABEL.origin, LABEL.operator, LABEL.contact, uses=everything),
            None,
            (*REFUSED, "OAI-SearchBot"),
        ),
        "press-open": render(
            Terms(LABEL.origin, LABEL.operator, LABEL.contact, ("de", "en"), sections=(press,)),
            None,
            REFUSED,
            SEARCH,
        ),
        "merged-with-the-site": render(LABEL, SITE_ROBOTS, REFUSED, SEARCH),
        "merged-press-open": render(
            Terms(LABEL.origin, LABEL.operator, LABEL.contact, sections=(press,)),
            SITE_ROBOTS,
            REFUSED,
            SEARCH,
        ),
        "audio-reserved-text-open": render(
            Terms(
                LABEL.origin,
                LABEL.operator,
                LABEL.contact,
                uses=OPEN,
                sections=(
                    Section("audio", ("/audio/", "/*.mp3$"), everything),
                    Section("sound", ("/listen/",), everything, media=("audio/*", "video/*")),
                    Section(
                        "single",
                        ("/audio/nachtzug/",),
                        everything,
                        works=("isrc:DEUM72600001",),
                        rightsholder="Ann Beispiel",
                    ),
                ),
            ),
            None,
            (*REFUSED, "OAI-SearchBot"),
            SEARCH,
        ),
        "licensee-on-offer": render(
            Terms(
                LABEL.origin,
                "Agentur Beispiel",
                "mailto:rechte@label.example",
                ("de",),
                capacity="licensee",
                on_behalf_of=("Ann Beispiel", "Ben Muster"),
                licence_contact="https://label.example/lizenz",
                may_license=True,
            ),
            None,
            REFUSED,
            SEARCH,
        ),
    }


def _transcript(bundle: Bundle) -> str:
    lines = [f"digest {bundle.digest}", *(f"conflict: {conflict}" for conflict in bundle.conflicts)]
    for name, section in bundle.sections.items():
        lines.append(f"\n=== headers: {name or 'rest of the site'}")
        lines += [f"{header.decode()}: {value.decode()}" for header, value in section.headers]
    for path, document in sorted(bundle.documents.items()):
        lines.append(f"\n=== {path} ({document.media_type}, ETag {document.etag.decode()})")
        lines.append(document.body.decode().rstrip("\n"))
        for variant in document.variants[1:]:
            lines.append(f"\n=== {path}?lang={variant.language} (ETag {variant.etag.decode()})")
            lines.append(variant.body.decode().rstrip("\n"))
    return "\n".join(lines) + "\n"


CASES = _cases()


def _two_hosts() -> str:
    config = {
        "format": 1,
        "site": {
            "origin": "https://label.example",
            "operator": "Label Example GmbH",
            "contact": "mailto:licensing@label.example",
            "robots": "none",
        },
        "reservation": {"rightsholder": "Label Example GmbH"},
        "host": [
            {
                "names": ["presse.label.example"],
                "site": {"contact": "mailto:presse@label.example", "languages": ["de"]},
                "reservation": {"training": "allow", "ai_input": "allow", "tdm": "allow"},
            }
        ],
    }
    engine = Engine(load(config, environ={}), MemoryLimits())
    texts = []
    for plan in engine.plans():
        lines = _transcript(plan.bundle).splitlines()
        # Which crawlers are refused grows with the rules; here it matters that the group is there or not.
        agents = [line for line in lines if line.startswith("User-agent: ") and line != "User-agent: *"]
        kept = [line for line in lines if line not in agents[1:] and "sha256" not in line]
        kept = [line for line in kept if not line.startswith(("digest ", "=== /robots.txt"))]
        texts.append(f"##### {plan.settings.terms.origin}\n" + "\n".join(kept) + "\n")
    return "\n".join(texts)


def test_two_hosts_in_one_process_tell_terms_of_their_own() -> None:
    assert _two_hosts() == (SERVED / "two-hosts.txt").read_text("utf-8")


@pytest.mark.parametrize("name", CASES)
def test_what_is_served_is_what_was_agreed(name: str) -> None:
    assert _transcript(CASES[name]) == (SERVED / f"{name}.txt").read_text("utf-8")


if __name__ == "__main__":
    for case, rendered in CASES.items():
        (SERVED / f"{case}.txt").write_text(_transcript(rendered), "utf-8")
    (SERVED / "two-hosts.txt").write_text(_two_hosts(), "utf-8")
