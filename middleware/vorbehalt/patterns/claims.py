"""Findings 1 to 10: what a request claims against how it behaves. Each looks at one request and nothing else.

A function gets the request, the finding's definition and what is known of browsers; it returns the finding or
None. What the definition needs has been checked before; guards against the innocent stand here.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from vorbehalt.facts import Finding
from vorbehalt.patterns.browser import Browser
from vorbehalt.patterns.definition import Definition, shown
from vorbehalt.patterns.impossible import impossible
from vorbehalt.patterns.knowledge import Knowledge
from vorbehalt.patterns.seen import Seen

_FETCH: Final = (b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"sec-fetch-user")
_CHROMIUM: Final = re.compile(rb'"Chromium";v="(\d{1,4})')
_PLATFORMS: Final = {
    b"windows": "windows",
    b"macos": "macos",
    b"linux": "linux",
    b"android": "android",
    b"chrome os": "chromeos",
    b"chromium os": "chromeos",
    b"ios": "ios",
}
_SAME_SYSTEM: Final = frozenset({("linux", "android"), ("linux", "chromeos"), ("android", "linux")})
"""The desktop view of telephones and tablets, and systems whose browsers call them by either name."""

_DAY: Final = 86_400_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_RELEASES: Final = {"blink": "chromium", "gecko": "firefox", "webkit": "safari"}


def _from(browser: Browser | None, definition: Definition) -> Browser | None:
    """The claimed browser if it is a plain one and new enough for what the definition expects; else None."""
    if browser is None or not browser.is_plain:
        return None
    parameters = definition.parameters
    if browser.engine == "blink":
        name = "chromium_from"
    elif browser.engine == "gecko":
        name = "firefox_from"
    else:
        name = "safari_from" if browser.engine == "webkit" else ""
    if name not in parameters:
        return None
    # 16.4 is a version, not a fraction: 16.10 would come after it.
    major, _, minor = str(parameters[name]).partition(".")
    return browser if browser.version >= (int(major), int(minor or 0)) else None


def _claim(browser: Browser) -> str:
    return f"claims {browser.product} {browser.version[0]}.{browser.version[1]}"


def no_fetch_metadata(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """A current browser over https says how it came to every request."""
    browser = _from(seen.browser, definition)
    if browser is None or not seen.is_navigation or any(name in seen.values for name in _FETCH):
        return None
    return definition.finding(f"{_claim(browser)}; no Sec-Fetch header")


def partial_fetch_metadata(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """Sec-Fetch headers come together and agree.

    A navigation with Sec-Fetch-Dest empty is none of it: service workers that pass a navigation on send that
    (w3c/ServiceWorker issue 1803; Chromium 156 does). Chrome on Android may have a Referer from an app.
    """
    browser, values = _from(seen.browser, definition), seen.values
    if browser is None or seen.is_prefetch:
        return None
    mode = values.get(b"sec-fetch-mode")
    if mode is None or (browser.engine == "webkit" and not seen.is_navigation):
        return None
    if b"sec-fetch-site" not in values or b"sec-fetch-dest" not in values:
        wrong = "Sec-Fetch-Mode without Site or Dest"
    elif browser.engine == "webkit":
        return None
    elif b"sec-fetch-user" in values and mode != b"navigate":
        wrong = "Sec-Fetch-User on what is no navigation"
    elif values[b"sec-fetch-site"] == b"none" and b"referer" in values and browser.platform != "android":
        wrong = "Sec-Fetch-Site none with a Referer"
    else:
        return None
    sent = ", ".join(f"{name.decode()[10:]}={shown(values[name], 20)}" for name in _FETCH if name in values)
    return definition.finding(f"{_claim(browser)}; {wrong} ({sent})")


def hints_missing(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """Chromium over https tells its version in client hints as well."""
    browser = _from(seen.browser, definition)
    if browser is None or not seen.is_navigation or b"sec-ch-ua" in seen.values:
        return None
    if browser.product == "samsung" and browser.own_major < definition.number("samsung_from"):
        return None
    return definition.finding(f"{_claim(browser)}; no sec-ch-ua")


def hints_contradict(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """User-Agent and client hints are written by one program."""
    browser, hints = seen.browser, seen.values.get(b"sec-ch-ua")
    if browser is None or hints is None or not browser.is_plain or not seen.is_navigation:
        return None
    if browser.engine in ("gecko", "webkit"):
        return definition.finding(f"{_claim(browser)}, which has no client hints; sec-ch-ua: {shown(hints)}")
    if browser.engine != "blink":
        return None
    version = _CHROMIUM.search(hints)
    if version is not None and int(version[1]) != browser.major:
        return definition.finding(f"{_claim(browser)}; sec-ch-ua says Chromium {int(version[1])}")
    told = seen.value(b"sec-ch-ua-platform").strip(b'" ').lower()
    platform = _PLATFORMS.get(told)
    if platform is None or not browser.platform or platform == browser.platform:
        return None
    if (browser.platform, platform) in _SAME_SYSTEM:
        return None
    return definition.finding(f"{_claim(browser)} on {browser.platform}; sec-ch-ua-platform says {platform}")


def no_such_browser(seen: Seen, definition: Definition, knowledge: Knowledge) -> Finding | None:
    """The User-Agent joins what never was together."""
    agent = seen.value(b"user-agent")
    if not agent or seen.names_itself:
        return None
    wrong = impossible(agent, knowledge)
    return definition.finding(wrong) if wrong else None


def dead_browser(seen: Seen, definition: Definition, knowledge: Knowledge) -> Finding | None:
    """A version that was replaced years before this request."""
    browser = seen.browser
    if browser is None or not browser.is_plain:
        return None
    if browser.engine in ("trident", "presto"):
        return definition.finding(f"{_claim(browser)}, whose engine is no longer made")
    name = _RELEASES[browser.engine]
    # On iOS every browser is as old as the system.
    released = knowledge.last_day(name, browser.major)
    if released is None:
        return None
    agent = seen.value(b"user-agent")
    if any(engine == name and system in agent and browser.major >= major
           for engine, system, major in knowledge.last_of_system):  # fmt: skip
        return None
    if name == "safari":
        years = definition.number("safari_years")
    else:
        years = definition.number("android_years" if browser.platform == "android" else "years")
    if seen.received_at // _DAY + _EPOCH - released.toordinal() <= years * 365.25:
        return None
    return definition.finding(f"{_claim(browser)}, of {released.isoformat()}")


def headless(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """A driver of a browser says so itself."""
    agent = seen.value(b"user-agent")
    if seen.names_itself:
        return None
    text = agent.decode("latin-1")  # searched faster than bytes
    for token in definition.words("tokens"):
        if token in text:
            return definition.finding(f"{token.strip(' /')} in the User-Agent")
    return None


def accept_not_html(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """A browser that navigates accepts HTML."""
    browser = seen.browser
    if browser is None or not browser.is_plain or not browser.tells_fetch_metadata:
        return None
    accept = seen.value(b"accept")
    if not seen.is_navigation or seen.is_prefetch or b"text/html" in accept:
        return None
    return definition.finding(f"{_claim(browser)}; Accept: {shown(accept) or '(none)'}")


def no_language(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """Chrome and Firefox name a language; which one does not matter."""
    browser = _from(seen.browser, definition)
    language = seen.value(b"accept-language").strip()
    if browser is None or not seen.is_navigation or seen.is_prefetch or language not in (b"", b"*"):
        return None
    return definition.finding(f"{_claim(browser)}; Accept-Language: {shown(language) or '(none)'}")


def encoding(seen: Seen, definition: Definition, _: Knowledge) -> Finding | None:
    """Chrome and Firefox accept Brotli over https."""
    browser = _from(seen.browser, definition)
    if browser is None or not seen.is_navigation or seen.is_prefetch:
        return None
    accepted = seen.value(b"accept-encoding")
    if b"br" in (part.partition(b";")[0].strip().lower() for part in accepted.split(b",")):
        return None
    return definition.finding(f"{_claim(browser)}; Accept-Encoding: {shown(accepted) or '(none)'}")
