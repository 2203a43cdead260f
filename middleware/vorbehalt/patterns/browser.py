"""Which browser a User-Agent claims to be: engine, product, major version, platform. Nothing is verified.

A small parser of our own, because it runs once per unknown User-Agent on the way of a request and is asked
for these few facts only. What names itself (bots, tools, feed readers, services with an address in their
User-Agent) claims no browser: policy knows it, findings do not judge it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Engine = Literal["blink", "gecko", "webkit", "trident", "presto"]
Platform = Literal["windows", "macos", "linux", "android", "ios", "chromeos", ""]


@dataclass(frozen=True, slots=True)
class Browser:
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


_PRODUCT: Final = re.compile(
    rb"(HeadlessChrome|Chrome|Chromium|CriOS|FxiOS|EdgiOS|EdgA?|OPR|OPT|SamsungBrowser|Firefox|Version|Safari"
    rb"|MSIE|Trident|Presto|AppleWebKit|Goanna)[/ ](\d{1,4})(?:\.(\d{1,4}))?"
)
_NAMES_ITSELF: Final = re.compile(rb"://|bot|spider|crawl|@|feed|\.(?:com|org|net|io)\b")
_FOREIGN: Final = re.compile(
    rb"(?:; wv\)|\[FB|FBA[NV]/|Instagram|Line/|MicroMessenger|GSA/|Electron/|QQ|UCBrowser|YaBrowser|YaApp"
    rb"|Vivaldi|Whale/|MiuiBrowser|HuaweiBrowser|HeyTapBrowser|VivoBrowser|DuckDuckGo|Ddg/|Focus/|Klar/|Silk/"
    rb"|Snapchat|Pinterest|TikTok|musical_ly|BytedanceWebview|Puffin|Maxthon|Konqueror|Epiphany|SeaMonkey|Waterfox"
    rb"|PaleMoon|Avast|AVG/|CCleaner|Norton|Coc_Coc|Sogou|MetaSr|LBBROWSER|2345|360S|Iron|Otter|QtWebEngine|Falkon|Teams/)"
)
_DEVICE: Final = re.compile(
    rb"SmartTV|SMART-TV|Smart-TV|Tizen|Web0S|webOS|NetCast|BRAVIA|CrKey|GoogleTV|Android TV|AFT[A-Z]|HbbTV"
    rb"|PlayStation|Xbox|Nintendo|Kindle|Kobo|PocketBook|Roku|Quest|OculusBrowser|Tesla|QtCarBrowser|Maple|Viera"
)


def claimed_browser(user_agent: bytes) -> Browser | None:
    """The browser that a User-Agent claims; None if it claims none, or names itself. Never raises."""
    if not user_agent.startswith((b"Mozilla/", b"Opera/")):
        return None
    lower = user_agent.lower()
    if _NAMES_ITSELF.search(lower) is not None:
        return None
    found: dict[bytes, tuple[int, int]] = {}
    for name, major, minor in _PRODUCT.findall(user_agent):
        if name not in found:
            found[name] = (int(major), int(minor or 0))
    return _recognised(user_agent, found)


def _recognised(agent: bytes, found: dict[bytes, tuple[int, int]]) -> Browser | None:
    platform, is_mobile = _platform(agent)
    is_device = _DEVICE.search(agent) is not None
    foreign = _FOREIGN.search(agent) is not None
    if b"compatible;" in agent and b"MSIE" not in found:
        return None
    if b"AppleWebKit" in found:
        for ios, product in ((b"CriOS", "crios"), (b"FxiOS", "fxios"), (b"EdgiOS", "edgios")):
            if ios in found:
                version = _ios_version(agent)
                return Browser("webkit", product, version, "ios", found[ios][0], True, foreign, is_device)
        chrome = found.get(b"Chrome") or found.get(b"HeadlessChrome") or found.get(b"Chromium")
        if chrome is not None:
            product, own = _blink_product(found, chrome[0])
            webview = foreign or (b"Version" in found and platform == "android" and product != "samsung")
            return Browser(
                "blink", product, chrome, platform, own, is_mobile, webview, is_device,
                b"HeadlessChrome" in found,
            )  # fmt: skip
        if b"Safari" in found and b"Version" in found:
            version = found[b"Version"]
            product = "safari" if platform in ("ios", "macos") else "other"
            return Browser("webkit", product, version, platform, version[0], is_mobile, foreign, is_device)
        if platform in ("ios", "macos") or b"Safari" in found:
            return Browser("webkit", "other", (0, 0), platform, 0, is_mobile, True, is_device)
        return None
    if b"Firefox" in found and b"Gecko/" in agent:
        version = found[b"Firefox"]
        product = "other" if b"Goanna" in found or foreign else "firefox"
        return Browser("gecko", product, version, platform, version[0], is_mobile, foreign, is_device)
    if b"MSIE" in found or b"Trident" in found:
        trident = found.get(b"MSIE") or (found[b"Trident"][0] + 4, 0)
        return Browser("trident", "msie", trident, platform, trident[0], is_mobile, foreign, is_device)
    if b"Presto" in found or agent.startswith(b"Opera/"):
        return Browser(
            "presto", "opera", found.get(b"Version", (0, 0)), platform, 0, is_mobile, False, is_device
        )
    return None


def _blink_product(found: dict[bytes, tuple[int, int]], major: int) -> tuple[str, int]:
    for name, product in (
        (b"Edg", "edge"),
        (b"EdgA", "edge"),
        (b"OPR", "opera"),
        (b"SamsungBrowser", "samsung"),
    ):
        if name in found:
            return product, found[name][0]
    return "chrome", major


def _platform(agent: bytes) -> tuple[Platform, bool]:
    if b"Windows" in agent:
        return ("windows", b"Windows Phone" in agent)
    if b"Android" in agent:
        return "android", b"Mobile" in agent
    if b"iPhone" in agent or b"iPad" in agent or b"iPod" in agent:
        return "ios", True
    if b"Macintosh" in agent:
        return "macos", False
    if b"CrOS" in agent:
        return "chromeos", False
    if b"Linux" in agent or b"X11" in agent:
        return "linux", b"Mobile" in agent
    return "", False


_IOS: Final = re.compile(rb"OS (\d{1,2})_(\d{1,2})")


def _ios_version(agent: bytes) -> tuple[int, int]:
    """The version of iOS, which is that of its WebKit."""
    match = _IOS.search(agent)
    return (int(match[1]), int(match[2])) if match else (0, 0)
