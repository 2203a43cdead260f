"""User-Agents that no browser ever sent: parts that cannot stand together. Every rule is about a closed past.

What is not named here is possible. Apps and browsers with names of their own write what they like, so the
rules about versions apply to plain Chrome, Firefox, Safari and Internet Explorer only.
"""

from __future__ import annotations

import re
from typing import Final

from vorbehalt.patterns.browser import products
from vorbehalt.patterns.knowledge import Knowledge

_WEBKIT: Final = re.compile(r"([0-9]{3})(?:\.([0-9]+))?")
_CHROME: Final = re.compile(r"(\d{1,3})\.0\.(\d{1,5})\.")
_NT: Final = re.compile(r"Windows NT (\d{1,2})\.(\d{1,2})")
_OLD_WINDOWS: Final = re.compile(r"Windows (?:95|98|CE|ME|NT 4\.0|NT 5\.0[1;)]|NT 11\.)|Win 9x")
_POWERPC: Final = re.compile(r"PPC Mac OS X 10[._](\d{1,2})")
_ANDROID: Final = re.compile(r"Android (\d{1,2})(?:\.(\d))?")
_IOS: Final = re.compile(r"(?:iPhone|CPU) OS (\d{1,2})_")
_IOS_BUILD: Final = re.compile(r"Mobile/(\d{1,2})[A-Z]")
_IOS_APP: Final = re.compile(r"(CriOS|FxiOS)/(\d{1,3})\.\d+\.(\d+)")
_SAFARI: Final = re.compile(r"Version/(\d{1,2})\.\S* (?:Mobile/\S+ )?Safari/")
_LEAST_BUILD: Final = 100
_LAST_FULL_VERSION: Final = 100
"""Later Chromiums tell no build; relatives put their own there."""

_FIREFOX: Final = re.compile(r"Firefox/(\d{1,3})\.(\d{1,3})")
_REVISION: Final = re.compile(r"rv:(\d{1,3})\.(\d)")
_MSIE: Final = re.compile(r"MSIE (\d{1,2})\.")
_TRIDENT: Final = re.compile(r"Trident/(\d{1,2})\.(\d)")

_IOS_WEBKIT: Final = ((8, 537), (5, 533), (4, 531), (3, 525))
"""iOS -> the least WebKit, one step wider than it was: apps keep their User-Agent over an update."""

_CHROME_WEBKIT: Final = ((22, 537), (20, 536), (15, 535), (6, 534))
"""Chrome -> the least WebKit, one step wider than it was; from 28 on all say 537.36."""

_IOS_BUILDS: Final = 4
"""The build of iOS 10 begins with 14: four more, up to iOS 18. From 11.3 on it may be frozen at 15E148."""


def impossible(user_agent: bytes, knowledge: Knowledge) -> str:
    """Say what cannot be in a User-Agent; empty if all of it can. Never raises."""
    agent = user_agent.decode("latin-1")
    if "AppleWebKit" in agent:
        return _webkit(agent, knowledge)
    if "Trident/" in agent:
        return _explorer(agent)
    if "Gecko/" in agent and "Firefox/" in agent:
        return _gecko(agent)
    return _presto(agent) if agent.startswith("Opera/") else ""


def _webkit(agent: str, knowledge: Knowledge) -> str:
    if not agent.startswith("Mozilla/5.0"):
        return ""
    words, foreign = products(agent)
    # Some makers of telephones misspell one of the two, some old programs leave them out; nobody ends there.
    if list(words) == ["AppleWebKit"] and words["AppleWebKit"].startswith("53"):
        return "AppleWebKit without (KHTML, like Gecko)"
    version = _WEBKIT.match(words.get("AppleWebKit", ""))
    if foreign or version is None or "Windows Phone" in agent:
        return ""
    webkit = int(version[1])
    if "Macintosh" in agent and " rv:" in agent.partition(")")[0]:
        return "rv: in the User-Agent of a WebKit"
    if wrong := _powerpc(agent) or _ios(agent, webkit, knowledge):
        return wrong
    if (chrome := _CHROME.match(words.get("Chrome", ""))) is not None:
        return _chromium(agent, int(chrome[1]), int(chrome[2]), webkit, version[2] or "", knowledge)
    safari = _SAFARI.search(agent)
    if safari is not None and "Windows; U; Windows NT 10" in agent:
        return "Windows 10 with the U of browsers before 2011"
    if safari is not None and "Windows" in agent and (old := _OLD_WINDOWS.search(agent)):
        return f"Safari on {_system(old)}"
    return ""


def _chromium(agent: str, major: int, build: int, webkit: int, minor: str, knowledge: Knowledge) -> str:
    if "Win" in agent and (old := _OLD_WINDOWS.search(agent)):
        return f"Chrome on {_system(old)}"
    if "PPC Mac" in agent:
        return "Chrome on PowerPC"
    android = _ANDROID.search(agent) if "Android" in agent else None
    if android is not None and int(android[1]) < 4 and "Version/" not in agent:
        return f"Chrome on Android {int(android[1])}"
    # A browser around the WebKit of macOS or iOS may call itself Chrome.
    if major >= 28 and webkit < 600 and "Version/" not in agent and (webkit, minor) != (537, "36"):
        return f"Chrome {major} with AppleWebKit {webkit}.{minor}"
    if 6 <= major < 28 and webkit < next(least for first, least in _CHROME_WEBKIT if major >= first):
        return f"Chrome {major} with AppleWebKit {webkit}"
    if build >= _LEAST_BUILD and major <= _LAST_FULL_VERSION and "Version/" not in agent:
        least, most = knowledge.builds_of(major)
        if not least <= build <= most:
            return f"Chrome {major} with build {build}"
    return ""


def _ios(agent: str, webkit: int, knowledge: Knowledge) -> str:
    if "like Mac OS X" not in agent:
        return ""
    if "CPU iPad OS" in agent:
        return "CPU iPad OS, which no iPad writes"
    match = _IOS.search(agent)
    if match is None:
        return ""
    ios = int(match[1])
    app = _IOS_APP.search(agent)
    least = next((least for first, least in _IOS_WEBKIT if ios >= first), 0)
    # Early Chrome on iOS names the WebKit of iOS 5 on every later system.
    if webkit < (533 if app is not None and app[1] == "CriOS" and ios >= 5 else least):
        return f"iOS {ios} with AppleWebKit {webkit}"
    if ios < 5 and webkit > 534:
        return f"iOS {ios} with AppleWebKit {webkit}"
    build = _IOS_BUILD.search(agent)
    if build is not None and 3 <= ios <= 18:
        first = int(build[1])
        if first > ios + _IOS_BUILDS:
            return f"iOS {ios} with build {build[0][7:]}"
    if app is not None and (wrong := _ios_app(app, ios, knowledge)):
        return wrong
    safari = _SAFARI.search(agent)
    if safari is not None and ios >= 3 and int(safari[1]) < 4:
        return f"Safari {int(safari[1])} on iOS {ios}"
    return ""


def _system(old: re.Match[str]) -> str:
    return old[0].rstrip(";).")


def _ios_app(app: re.Match[str], ios: int, knowledge: Knowledge) -> str:
    name, major, build = app[1], int(app[2]), int(app[3])
    if name == "FxiOS":
        return f"FxiOS on iOS {ios}" if ios < 8 else ""
    least, most = knowledge.builds_of(major)
    if ios < 4 or major < 19:
        return f"CriOS {major} on iOS {ios}"
    return f"CriOS {major} with build {build}" if build and not least <= build <= most else ""


def _powerpc(agent: str) -> str:
    match = _POWERPC.search(agent) if "PPC" in agent else None
    return f"Mac OS X 10.{int(match[1])} on PowerPC" if match is not None and int(match[1]) > 5 else ""


def _gecko(agent: str) -> str:
    if re.search(r"Gecko/\d{4}-\d\d", agent):
        return "a date with dashes behind Gecko"
    if products(agent)[1]:
        return ""
    match = _FIREFOX.search(agent)
    if match is None:
        return ""
    major = int(match[1])
    if wrong := _powerpc(agent):
        return wrong
    if (major, match[2]) == (3, "8"):
        return "Firefox 3.8, which never came out"
    revision = _REVISION.search(agent)
    if revision is not None:
        told = int(revision[1])
        if told == 1 and major > 3:
            return f"Firefox {major} with rv:1.{revision[2]}"
    if major > 3 and (old := _OLD_WINDOWS.search(agent)) and "NT 5.0" not in old[0]:
        return f"Firefox {major} on {_system(old)}"
    android = _ANDROID.search(agent)
    if android is not None and (major < 41 or (major >= 48 and int(android[1]) < 4)):
        return f"Firefox {major} that names Android {int(android[1])}"
    return ""


def _explorer(agent: str) -> str:
    if "IEMobile" in agent or "Windows Phone" in agent or "Xbox" in agent:
        return ""
    msie, trident = _MSIE.search(agent), _TRIDENT.search(agent)
    if trident is None or agent.count("(") > 1:
        return ""
    engine = int(trident[1])
    if engine < 4 or engine > 8 or trident[2] != "0":
        return f"Trident/{engine}.{trident[2]}"
    if msie is not None and not 7 <= int(msie[1]) <= engine + 4:
        return f"MSIE {int(msie[1])} with Trident {engine}"
    if old := _OLD_WINDOWS.search(agent):
        return f"Trident on {_system(old)}"
    system = _NT.search(agent)
    if system is not None:
        version = (int(system[1]), int(system[2]))
        if engine >= 5 and version < (5, 1):
            return f"Trident {engine} on Windows NT {version[0]}.{version[1]}"
    return ""


def _presto(agent: str) -> str:
    if re.match(r"Opera/\d{1,2}\.\d{1,3}\.\(", agent):
        return "a dot between Opera's version and its comment"
    if " Version/" in agent and agent.startswith(("Opera/8.", "Opera/9.")) and agent[8:10] != "80":
        return "Opera with a second version that is not 9.80"
    return ""
