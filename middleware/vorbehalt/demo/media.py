"""Covers and sound of the demo label, made when asked for: SVG, PNG and WAV by the standard library."""

from __future__ import annotations

import io
import math
import struct
import wave
import zlib
from array import array
from colorsys import hls_to_rgb
from functools import cache
from html import escape

from vorbehalt.demo.catalogue import LABEL, Song

RATE = 11_025
_SIDE = 320


@cache
def audio(song: Song) -> bytes:
    """Return a song's melody as WAV: 16 bit, mono, 11,025 Hz, a few seconds."""
    beat = 60 / song.tempo / 2
    length = int(beat * RATE)
    samples = array("h")
    fade = [min(1.0, at / 120, (length - at) / 1_400) for at in range(length)]
    for note in song.melody:
        if note is None:
            samples.extend([0] * length)
            continue
        step = 2 * math.pi * 220.0 * 2 ** (note / 12) / RATE
        sine = math.sin
        samples.extend(
            int(
                9_000 * fade[at] * (sine(step * at) + 0.35 * sine(2 * step * at) + 0.12 * sine(3 * step * at))
            )
            for at in range(length)
        )
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())
    return out.getvalue()


def _discs(song: Song) -> list[tuple[int, int, int, int]]:
    """Return x, y, radius and hue of the discs on a cover: one a note, so that no two covers are alike."""
    found = []
    for index, note in enumerate(song.melody):
        if note is None:
            continue
        x = 30 + index * 260 // max(1, len(song.melody) - 1)
        y = 256 - note * 11
        found.append((x, y, 12 + (note * 7 + index * 5) % 26, (song.artist.hue + note * 4) % 360))
    return found


def cover_svg(song: Song) -> str:
    """Return the cover as SVG."""
    hue = song.artist.hue
    discs = "".join(
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="hsl({disc_hue} 60% 62% / .75)"/>'
        for x, y, radius, disc_hue in _discs(song)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}" role="img" '
        f'aria-label="Cover: {escape(song.title)}"><rect width="{_SIDE}" height="{_SIDE}" '
        f'fill="hsl({hue} 38% 20%)"/>{discs}'
        f'<text x="24" y="44" font-family="Georgia,serif" font-size="24" fill="#fff">'
        f"{escape(song.title)}</text>"
        f'<text x="24" y="300" font-family="Georgia,serif" font-size="14" fill="#fffc">'
        f"{escape(song.artist.name)} · {escape(LABEL)}</text></svg>"
    )


@cache
def cover_png(song: Song) -> bytes:
    """Return the cover as PNG (RGB, 8 bit, 320 x 320) without its lettering."""
    back = _rgb(song.artist.hue, 0.2, 0.38)
    rows = [bytearray(back * _SIDE) for _ in range(_SIDE)]
    for x, y, radius, hue in _discs(song):
        colour = _rgb(hue, 0.62, 0.6)
        for line in range(max(0, y - radius), min(_SIDE, y + radius + 1)):
            half = math.isqrt(radius * radius - (line - y) ** 2)
            left, right = max(0, x - half), min(_SIDE, x + half + 1)
            if left < right:
                rows[line][3 * left : 3 * right] = colour * (right - left)
    pixels = b"".join(b"\0" + bytes(row) for row in rows)
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _rgb(hue: int, lightness: float, saturation: float) -> bytes:
    return bytes(round(255 * part) for part in hls_to_rgb(hue / 360, lightness, saturation))
