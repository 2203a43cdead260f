#!/usr/bin/env python3
# fmt: off
"""Checks an evidence directory or a dossier with Python's standard library and openssl only, with nothing of its maker's."""
# ruff: noqa: E401, E501, E701, E702, I001, S603, S607, UP035
from __future__ import annotations
import argparse, base64, calendar, hashlib, json, os, re, shutil, subprocess, sys, tempfile, time; from pathlib import Path; from typing import Any, Callable
N, PRINTABLE = "(0|[1-9][0-9]{0,18})", bytes(range(32, 127)); FRAME = {"type": ".+", "w": "[A-Za-z0-9._:-]{1,128}", "p": "|[0-9a-f]{64}", "at": N, "ref": ".*"}
TILE = re.compile(r"log/tile/(entries|[0-5])/(?!x000)((?:x\d{3}/)*\d{3})(?:\.p/(?!0)(\d\d?|1\d\d|2[0-4]\d|25[0-5]))?", re.A)
NOTE = r"\A(([^\n]+)\n" + N + "\n([^\n]{44})\n(?:[^\n]+\n)*)\n((?:\u2014 [^\\s+]+ \\S+\n){1,100})\\Z"
HEAD = re.compile(rb'{"v":1,"type":"[^"\\]+","w":"[A-Za-z0-9._:-]{1,128}","s":(0,"p":""|[1-9][0-9]*,"p":"[0-9a-f]{64}"),"at":"%s","ref":"' % N.encode())
def sha(data: bytes) -> bytes: return hashlib.sha256(data).digest()
def need(holds: object, why: str) -> Any:
    if not holds: raise ValueError(why)
def b64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True); return need(base64.b64encode(data).decode() == text, "base64 does not re-encode to itself") or data
def openssl(command: str, **files: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items(): Path(folder, name).write_bytes(data)
        done = subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True, check=False)
    return need(done.returncode == 0, "the signature does not hold") or done.stdout.decode(errors="replace")
def parse_key(text: str) -> tuple[str, bytes, bytes]:
    name, ident, key = (re.findall(r"\A([^\s+]+)\+([0-9a-f]{8})\+(\S+)\n\Z", text) or [("", "", "")])[0]; data = b64(key)
    need(len(data) == 33 and data[0] == 1, "is no Ed25519 verifier key")
    need(sha(name.encode() + b"\n" + data).hex()[:8] == ident, "the key id does not belong to the key"); return name, bytes.fromhex(ident), data[1:]
def open_note(note: bytes, key: tuple[str, bytes, bytes], alone: bool = True) -> tuple[int, bytes]:
    body, origin, size, root, block = (re.findall(NOTE, note.decode()) or [("", "", "", "", "")])[0]
    need(key and origin == key[0] and not re.search(rb"[\0-\x09\x0b-\x1f]", note), "is no checkpoint of this log")
    lines = [(line.split(" ")[1], b64(line.split(" ")[2])) for line in block.split("\n")[:-1]]; own = [sig[4:] for name, sig in lines if (name, sig[:4]) == key[:2]]
    need(own and (len(lines) == 1 or not alone), "has a signature that nobody here can check"); der = bytes.fromhex("302a300506032b6570032100") + key[2]
    for signature in own: openssl("pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in body -sigfile sig", sig=signature, body=body.encode(), key=der)
    return int(size), b64(root)
def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]: return need(len(dict(pairs)) == len(pairs), "a key stands twice in one object") or dict(pairs)
def keys(item: Any, levels: int = 16) -> int:  # how many there are in it; floats, large numbers and depth are refused
    need(levels, "is too deep"); count = len(item) if type(item) is dict else 0
    for inner in item.values() if count else item:
        if type(inner) in (dict, list): count += keys(inner, levels - 1)
        elif type(inner) is not str: need(type(inner) is not float and (inner is None or abs(inner) <= 2**53), "holds a bad number")
    return count
def parse_leaf(data: bytes) -> Any:
    need(len(data) <= 16384 and data[:1] + data[-1:] == b"{}" and not data.translate(None, PRINTABLE), "is no record"); leaf = json.loads(data)
    if keys(leaf) != data.count(b'":') or b'" ' in data or not HEAD.match(data):  # not as we write it, or more keys were written than are left
        leaf = json.loads(data, object_pairs_hook=unique); need(all(re.fullmatch(form, leaf[name], re.S) for name, form in FRAME.items()), "is malformed")
        need(type(leaf["v"]) is int and leaf["v"] == 1, "unknown version"); need(type(leaf["s"]) is int and leaf["s"] >= 0 and (leaf["s"] > 0) == (leaf["p"] > ""), "bad s")
    return need(type(leaf.get("seen", {})) is dict and type(leaf.get("objects", [])) is list, "is malformed") or leaf
class Check:
    def __init__(self, top: Path, key: Any, older: bytes | None, tsa: bytes | None) -> None:
        self.top, self.tsa, self.whole, empty = top, tsa, not os.path.lexists(top / "records.jsonl"), 7 * [0]  # a dossier is not whole
        self.count, self.size, self.absent, self.minimum, self.enclosed, self.last, _ = empty
        lists: Any = {}, {}, {}, [], [], [], {(0, 0): sha(b"")}; self.chains, self.named, self.rows, self.problems, self.holes, self.gaps, self.hashes = lists
        own = self.attempt("log/vkey", lambda: parse_key(self.read("log/vkey").decode()))
        self.key, self.problems = key or own, self.problems + ["log/vkey: is not the given key"] * (own != (key or own))
        note = "log/checkpoint"; self.signed = self.attempt(note, self.read, note); self.size, root = self.attempt(note, open_note, self.signed or b"", self.key) or (0, b"")
        self.attempt(note, lambda: self.log() or self.holds(self.size, root))
        if older: self.attempt("older checkpoint", lambda: self.holds(*open_note(self.kept(older), self.key, alone=False)))
        for line in [] if self.whole else self.attempt("manifest.sha256", self.manifest) or []: self.attempt(f"records.jsonl: {line[:40]}", self.record, line)
        self.problems += [f"log: records {hole} miss without a gap" for hole in self.holes if hole not in self.gaps]
        for path in (others := self.walk("objects") + self.walk("anchors")): self.attempt(path, self.other, path)
        self.problems += [f"{path}: missing, a record names it" for path in sorted(set(self.named) - set(others))]
    def attempt(self, place: str, action: Callable[..., Any], *args: Any) -> Any:
        try: return action(*args)
        except Exception as error: self.problems.append(f"{place}: {error}")
    def kept(self, older: bytes) -> bytes:  # a time stamp names the checkpoint it was made over by its digest
        return next((note for note in map(self.read, filter(lambda path: path.endswith(".checkpoint"), self.walk("anchors"))) if sha(note) in older), older)
    def read(self, path: str) -> Any:
        item = self.top / path; return need(item.is_file() and not item.is_symlink(), "is missing or no regular file") or item.read_bytes()
    def walk(self, top: str) -> list[str]:
        items = [item for item in [self.top / top, *(self.top / top).rglob("*")] if item.is_symlink() or item.exists()]
        return sorted(item.relative_to(self.top).as_posix() for item in items if item.is_symlink() or not item.is_dir())
    def root(self, start: int, end: int) -> Any:
        if (start, end) not in self.hashes:
            middle = start + (1 << (end - start - 1).bit_length() - 1); self.hashes[start, end] = sha(b"\1" + self.root(start, middle) + self.root(middle, end))
        return self.hashes[start, end]
    def holds(self, size: int, root: bytes, named: str = "") -> Any:
        need(named in ("", str(size)) and size <= self.count, f"{size} entries were signed, {self.count} are here: cut")
        need(self.root(0, size) == root, f"the log does not hold the {size} entries that were signed here")
    def log(self) -> Any:
        tiles: dict[tuple[int, int, int], str] = {}
        for path in self.walk("log"):
            name = TILE.fullmatch(path)
            if name: tiles[int(name[1].replace("entries", "-1")), int(re.sub("[x/]", "", name[2])) * 256, int(name[3] or 256)] = path
            elif path not in ("log/checkpoint", "log/vkey"): self.problems.append(path + ": unexpected file")
        self.rows = {first: tiles[level, first, width] for level, first, width in sorted(tiles) if level == 0}; self.fill(0 if self.whole else self.size)
        for tile in sorted(tiles): self.attempt(tiles[tile], self.tile, tiles[tile], *tile)
        for level, count in [(at, self.count >> 8 * max(at, 0)) for at in (range(-1, 6) if self.whole else [0])]:
            want = {(level, at, min(count - at, 256)) for at in range(self.minimum // 256 * 256 * (level < 0), count, 256)}
            self.problems += [f"log/tile: {tile} is missing" for tile in sorted(want - set(tiles))]
    def fill(self, end: int) -> None:  # an entry that is absent has its hash in the tile; the root is computed from those
        while self.count < end:
            data = self.read(self.rows.get(self.count, "log/tile/0")); need(len(data) in range(32, 8193, 32), "is no tile")
            for at in range(0, len(data), 32): self.hashes[self.count, self.count + 1], self.count = data[at:at + 32], self.count + 1
            self.absent, self.chains = self.count, {}  # whatever its writers had numbered before
    def manifest(self) -> Any:  # of a dossier: all files, and no other
        lines, found = self.read("manifest.sha256").decode().split("\n"), [name for name in self.walk(".") if name != "manifest.sha256"]
        have = [f"{sha(self.attempt(name, self.read, name) or b'').hex()}  {name}" for name in found]; need(len(lines) > len(have), "is not complete")
        self.problems += [f"manifest.sha256: {line[66:]} was changed, added or taken away" for line in sorted({*lines} ^ {*have, ""})]
        return need(len(lines) == len({*lines}), "names a file twice") or self.read("records.jsonl").splitlines()
    def record(self, line: bytes) -> None:
        at, payload = (re.findall(rb'\A{"index":%s,"record":({.*})}\Z' % N.encode(), line) or [(b"-1", b"")])[0]; index = int(at)
        need(self.last <= index < self.count, "is no record, out of order or not in the log"); self.last, self.enclosed = index + 1, self.enclosed + 1
        need(sha(b"\0" + payload) == self.hashes[index, index + 1], "is not the entry of the log"); self.entry(index, payload)
    def tile(self, path: str, level: int, first: int, width: int) -> Any:
        data, shift, end, place = self.read(path), 8 * max(level, 0), first + width, 0; need(end <= self.size >> shift, "belongs to more entries than are signed: cut, or unsealed")
        self.fill(first * (level < 0)); need((first if level < 0 else end) <= self.count >> shift, "entries before it are missing")
        if level >= 0: return need(data == b"".join(self.root(at << shift, at + 1 << shift) for at in range(first, end)), "does not hold the hashes of its entries")
        for at in range(first, end):
            start = place + 2; place = start + int.from_bytes(data[place:start], "big"); payload = data[start:place]; leaf_hash = sha(b"\0" + payload)
            need(start <= place <= len(data), f"does not hold {width} whole entries")
            if at == self.count:
                self.attempt(f"{path}: entry {at}", self.entry, at, payload)
                self.hashes[at, at + 1], self.count = leaf_hash, at + 1
            need(self.hashes[at, at + 1] == leaf_hash, "differs from its shorter version")
        need(place == len(data), f"holds more than {width} entries")
    def entry(self, index: int, payload: bytes) -> None:
        leaf = parse_leaf(payload); start = (leaf["s"], leaf["p"]) if self.absent else (0, "")
        seen, (expected, before) = leaf.get("seen", {}), self.chains.get(leaf["w"], start) if self.whole else start
        need(leaf["s"] >= expected, "is out of order among the records of its writer"); self.chains[leaf["w"]] = leaf["s"] + 1, sha(payload).hex()
        if leaf["type"] == "gap": self.gaps.append((seen.get("writer"), seen.get("first"), seen.get("last")))
        for name in leaf.get("objects", ()): self.named[f"objects/sha256/{name[:2]}/{name}"] = name
        if leaf["type"] == "anchor": self.named.update({"anchors/" + item["name"]: item["sha256"] for item in seen.get("files", ())})
        if leaf["type"] == "prune" and self.whole:  # it says which anchors stay although their records go
            need(type(seen["minimum"]) is int and 0 <= seen["minimum"] <= index, "prunes itself"); self.minimum = max(self.minimum, seen["minimum"])
            self.named.update(json.loads(self.read(f"objects/sha256/{leaf['objects'][0][:2]}/{leaf['objects'][0]}"))["anchors"])
        self.holes += [(leaf["w"], expected, leaf["s"] - 1)] * (leaf["s"] > expected); need(leaf["s"] > expected or leaf["p"] == before, "does not name the record before it")
    def other(self, path: str) -> Any:
        data, frozen = self.read(path), re.fullmatch("anchors/" + N + "[.]checkpoint", path)
        if frozen: return self.holds(*open_note(data, self.key), named=frozen[1])
        digest = sha(data).hex(); need(digest == self.named.get(path) or path == f"objects/sha256/{digest[:2]}/{digest}", "unexpected file, or changed")
        if self.tsa and path.endswith(".tsr"):
            files = {"tsr": data, "roots": self.tsa, "body": self.read(re.sub("[.].*", ".checkpoint", path))}
            shown = re.findall(r"Time stamp: (.{15})[.\d]*( \d+) GMT", openssl("ts -reply -in tsr -text", **files))
            openssl(f"ts -verify -in tsr -data body -CAfile roots -attime {calendar.timegm(time.strptime(''.join(shown[0]), '%b %d %H:%M:%S %Y'))}", **files)
def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, epilog="exit code: 0 holds, 1 fails, 2 wrong usage")
    for name in ("path", "--vkey", "--against", "--tsa-root"): parser.add_argument(name)
    asked = parser.parse_args()
    try:
        key = parse_key(asked.vkey + "\n") if asked.vkey else None; older, tsa = [Path(name).read_bytes() if name else None for name in (asked.against, asked.tsa_root)]
        need(asked.path and Path(asked.path).is_dir() and shutil.which("openssl"), "no directory, or no openssl")
    except (OSError, ValueError) as error: parser.error(str(error))
    for _ in range(3):  # a log that grows while it is read is read again
        check = Check(Path(asked.path), key, older, tsa)
        if not check.problems or check.attempt("", time.sleep, 1) or check.attempt("log", check.read, "log/checkpoint") == check.signed: break
    rows = [("log", check.key[0] if check.key else "?"), ("entries", str(check.count)), ("against", asked.against or "-"),
            ("key", "the one you gave" if key else "key taken from the bundle: integrity, not authorship"),
            *[("enclosed", f"{check.enclosed} records; the others are hashes: holes in what writers numbered cannot be seen")] * (not check.whole),
            *[("pruned", f"entries below {check.absent} are hashes: holes in what writers numbered there cannot be seen")] * (check.whole and check.absent > 0),
            ("time stamps", "checked" if tsa else "not checked: no --tsa-root"), *[("PROBLEM", why) for why in check.problems],
            ("RESULT", "fails: something was changed, cut or added" if check.problems else "holds")]
    print("\n".join(f"{name:<18}{ascii(value)[1:-1]}" for name, value in rows)); return len(check.problems) > 0
if __name__ == "__main__": sys.exit(main())
