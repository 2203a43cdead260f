"""Which browser a User-Agent claims to be: engine, product, major version, platform. Nothing is verified.

A small parser of our own, because it runs once per unknown User-Agent on the way of a request and is asked
for these few facts only. What names itself (bots, tools, feed readers, services with an address in their
User-Agent) claims no browser: policy knows it, findings do not judge it.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Engine = Literal["blink", "gecko", "webkit", "trident", "presto"]
Platform = Literal["windows", "macos", "linux", "android", "ios", "chromeos", ""]


class Browser(NamedTuple):
    """A claim. `version` is the engine's: (major, minor) of Chrome/, Firefox/, Version/ of Safari, MSIE.

    `product`: chrome, edge, opera, samsung, firefox, safari, msie; the iOS editions crios, fxios, edgios,
    which are WebKit; "other" for a browser with a name of its own around one of these engines.
    `own_major` is the product's (Samsung Internet 23 is Chromium 115).
    `is_webview`: an app draws the page; what the browser of that engine sends cannot be expected of it.
    `is_device`: a television, console, e-reader or the like, which nobody updates.
    """

    engine: Engine
    product: str
    version: tuple[int, int]
    platform: Platform
    own_major: int = 0
    is_mobile: bool = False
    is_webview: bool = False
    is_device: bool = False
    is_headless: bool = False

    @property
    def major(self) -> int:
        """The engine's major version."""
        return self.version[0]

    @property
    def is_plain(self) -> bool:
        """True if this is a browser of its own whose habits are known: no app, no device, no relative."""
        return not (self.is_webview or self.is_device or self.product == "other")

    @property
    def tells_fetch_metadata(self) -> bool:
        """True if this version sends Sec-Fetch headers with whatever it asks for over https."""
        return self.is_plain and self.version >= _FETCH_METADATA.get(self.engine, (9999, 0))


_FETCH_METADATA: Final = {"blink": (80, 0), "gecko": (90, 0), "webkit": (16, 4)}
_NAMES: Final = ("bot", "spider", "crawl", "://", "@", "feed", ".com", ".org", "www.")
_WORDS: Final = frozenset(
    {
        "AppleWebKit", "(KHTML,", "like", "Gecko)", "Gecko", "Chrome", "Chromium", "Ubuntu", "HeadlessChrome",
        "Mobile", "Safari", "Version", "Edg", "EdgA", "OPR", "SamsungBrowser", "CriOS", "FxiOS", "EdgiOS",
        "Firefox", "Presto",
    }
)  # fmt: skip
"""Words behind the first comment of the browsers we know. Any other word is the name of another program."""

_DEVICES: Final = (
    "TV", "Tizen", "Web0S", "webOS", "NetCast", "BRAVIA", "CrKey", "; AFT", "PlayStation", "Kindle",
    "Nintendo", "Kobo", "PocketBook", "Roku", "Quest", "Tesla", "QtCarBrowser", "Maple", "Viera",
)  # fmt: skip
_CHROMIUM: Final = re.compile(
    r"Mozilla/5\.0 \(([^()]+)\) AppleWebKit/537\.36 \(KHTML, like Gecko\) Chrome/([0-9]{1,4})\.([0-9]{1,5})"
    r"\.[0-9.]+ (?:Mobile )?Safari/537\.36(?: (EdgA?|OPR)/([0-9]{1,4})\.[0-9.]+)?"
)
_NAMED: Final = {"Edg": "edge", "EdgA": "edge", "OPR": "opera"}
_BLINK: Final = (("Edg", "edge"), ("EdgA", "edge"), ("OPR", "opera"), ("SamsungBrowser", "samsung"))
_ON_IOS: Final = (("CriOS", "crios"), ("FxiOS", "fxios"), ("EdgiOS", "edgios"))
_WORD: Final = re.compile(r"([^\s/]+)/?(\S*)")
_IOS: Final = re.compile(r"OS (\d{1,2})_(\d{1,2})")
_NUMBERS: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_MSIE: Final = re.compile(r"MSIE (\d{1,2})\.(\d)")
_TRIDENT: Final = re.compile(r"Trident/(\d{1,2})")


def claimed_browser(user_agent: bytes) -> Browser | None:
    """The browser that a User-Agent claims; None if it claims none, or names itself. Never raises."""
    agent = user_agent.decode("latin-1")  # text is searched faster than bytes
    match = _CHROMIUM.fullmatch(agent)
    if match is not None:
        comment, major, minor, name, own = match.groups()
        if "; wv" not in comment and not names_itself(comment):
            platform, is_mobile = _platform(comment)
            if platform != "ios":
                version = (int(major), int(minor))
                product = _NAMED.get(name, "chrome")
                is_device = platform in ("linux", "android", "") and _is_device(comment)
                return Browser(
                    "blink", product, version, platform, int(own or major), is_mobile, False, is_device
                )
    return _any_browser(agent)


def _any_browser(agent: str) -> Browser | None:
    """The same for whatever does not look like a plain Chromium, which most do; slower."""
    if not agent.startswith(("Mozilla/5.0 (", "Mozilla/4.0 (", "Opera/")) or names_itself(agent):
        return None
    words, foreign = products(agent)
    comment = agent.partition(") ")[0]
    if "AppleWebKit" in words:
        return _webkit(comment, words, foreign)
    if "Firefox" in words and "Gecko" in words:
        version = _version(words["Firefox"])
        platform, is_mobile = _platform(comment)
        product = "other" if foreign else "firefox"
        return Browser(
            "gecko", product, version, platform, version[0], is_mobile, foreign, _is_device(comment)
        )
    return _of_the_past(agent, words)


def names_itself(user_agent: str) -> bool:
    """True if a User-Agent says who sends it: a bot, a reader of feeds, a service with its address."""
    lower = user_agent.lower()
    # A list is searched faster than a generator for so few names.
    if any([name in lower for name in _NAMES]):  # noqa: C419
        return True
    return "compatible;" in lower and "msie" not in lower


def products(user_agent: str) -> tuple[dict[str, str], bool]:
    """The words behind the first comment with their versions, and whether one names another program."""
    found = dict(_WORD.findall(user_agent, user_agent.find(") ") + 2))
    return found, not (found.keys() <= _WORDS and "; wv)" not in user_agent)


def _webkit(comment: str, words: dict[str, str], foreign: bool) -> Browser:
    platform, is_mobile = _platform(comment)
    is_device = platform in ("linux", "android", "") and _is_device(comment)
    for name, product in _ON_IOS:
        if name in words:
            own = _version(words[name])[0]
            return Browser("webkit", product, _ios_version(comment), "ios", own, True, foreign, is_device)
    text = words.get("Chrome") or words.get("HeadlessChrome") or words.get("Chromium")
    if text:
        chrome = _version(text)
        product, own = "chrome", chrome[0]
        for name, other in _BLINK:
            if name in words:
                product, own = other, _version(words[name])[0]
        is_webview = foreign or ("Version" in words and product != "samsung") or platform == "ios"
        return Browser(
            "blink",
            product,
            chrome,
            platform,
            own,
            is_mobile,
            is_webview,
            is_device,
            "HeadlessChrome" in words,
        )
    if "Safari" in words and "Version" in words and platform in ("ios", "macos"):
        version = _version(words["Version"])
        return Browser("webkit", "safari", version, platform, version[0], is_mobile, foreign, is_device)
    return Browser("webkit", "other", (0, 0), platform, 0, is_mobile, True, is_device)


def _of_the_past(agent: str, words: dict[str, str]) -> Browser | None:
    """Internet Explorer and the Opera before 2013, which say everything within the comment."""
    platform, is_mobile = _platform(agent)
    explorer, trident = _MSIE.search(agent), _TRIDENT.search(agent)
    if explorer is not None or trident is not None:
        version = (
            (int(explorer[1]), int(explorer[2])) if explorer else (int(trident[1]) + 4 if trident else 0, 0)
        )
        foreign = is_mobile or "Xbox" in agent or "Opera" in agent
        return Browser("trident", "msie", version, platform, version[0], is_mobile, foreign)
    if "Presto" in words or agent.startswith("Opera/"):
        small = "Opera M" in agent or "Opera T" in agent or is_mobile
        return Browser(
            "presto",
            "opera",
            _version(words.get("Version", "")),
            platform,
            0,
            is_mobile,
            small,
            _is_device(agent),
        )
    return None


def _version(text: str) -> tuple[int, int]:
    """Major and minor of a version; numbers without sense are zero."""
    parts = text.split(".", 2)
    major, minor = parts[0], parts[1] if len(parts) > 1 else "0"
    if not (major.isdecimal() and minor.isdecimal() and major.isascii() and minor.isascii()):
        match = _NUMBERS.match(text)
        if match is None:
            return 0, 0
        major, minor = match[1], match[2] or "0"
    return (int(major), int(minor)) if len(major) < 5 and len(minor) < 6 else (0, 0)


def _is_device(comment: str) -> bool:
    if comment.endswith(("; K", "; Linux x86_64")):  # what most Chromiums say: nothing to look for
        return False
    return any([name in comment for name in _DEVICES])  # noqa: C419 - as above


def _platform(comment: str) -> tuple[Platform, bool]:
    if "Windows" in comment:
        return "windows", "Windows Phone" in comment
    if "Android" in comment:
        return "android", True
    if "iPhone" in comment or "iPad" in comment or "iPod" in comment:
        return "ios", True
    if "Macintosh" in comment:
        return "macos", False
    if "CrOS" in comment:
        return "chromeos", False
    if "Linux" in comment or "X11" in comment:
        return "linux", False
    return "", False


def _ios_version(comment: str) -> tuple[int, int]:
    """The version of iOS, which is that of its WebKit."""
    match = _IOS.search(comment)
    return (int(match[1]), int(match[2])) if match else (0, 0)
