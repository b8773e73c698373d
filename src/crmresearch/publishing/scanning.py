"""The scan: no name, number, address or other canary may stand in any byte of what is published."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

_PICTURES = re.compile(rb"base64,[A-Za-z0-9+/=\s]+")
_SHORTEST = 4
_SHORTEST_DIGITS = 7
_FEW = 300
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.S)


def scan_folder(folder: Path, canaries: Iterable[str]) -> list[tuple[str, str]]:
    """Look for canaries in every file of a folder, zip packages and compressed streams unpacked.

    Parameters
    ----------
    canaries : Iterable[str]
        Texts that may not appear. One too short to mean anything (three characters, six digits) is not
        looked for.

    Returns
    -------
    list of (file, canary)
        Every hit, each file and canary once.
    """
    finder = _Finder(canaries)
    hits = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        found = finder.find(name)
        for content in _unpacked(path.read_bytes()):
            found |= finder.find_bytes(content)
        hits += [(name, canary) for canary in sorted(found)]
    return hits


def scan_text(text: str, canaries: Iterable[str]) -> list[str]:
    """The canaries that stand in a text.

    >>> scan_text("Ann Smithson, 13800138000", ["Smithson", "13800138000", "Bob Dylan"])
    ['13800138000', 'Smithson']
    """
    return sorted(_Finder(canaries).find(text))


class _Finder:
    """Finds many texts at once: by every window of every length they have."""

    def __init__(self, canaries: Iterable[str]) -> None:
        self.by_length: dict[int, set[str]] = defaultdict(set)
        for canary in canaries:
            text = canary.strip()
            if is_telling(text):
                self.by_length[len(text)].add(text)

    def find(self, text: str) -> set[str]:
        found: set[str] = set()
        for length, wanted in self.by_length.items():
            if len(wanted) <= _FEW:
                found |= {canary for canary in wanted if canary in text}
            else:
                found |= wanted & {text[start : start + length] for start in range(len(text) - length + 1)}
        return found

    def find_bytes(self, content: bytes) -> set[str]:
        plain = _PICTURES.sub(b"", content)
        found = self.find(plain.decode("utf-8", "ignore"))
        if any(byte > 127 for byte in plain[:4096]) or b"\0" in plain[:4096]:
            found |= self.find(plain.decode("gb18030", "ignore")) | self.find(plain.decode("utf-16-le", "ignore"))
        return found


def is_telling(text: str) -> bool:
    """Whether a text is long enough to give somebody away: short numbers and parts of dates stand everywhere.

    >>> is_telling("C0012"), is_telling("1234"), is_telling("张三"), is_telling("柳州化工"), is_telling("2023-12")
    (True, False, False, True, False)
    """
    digits = re.sub(r"[-./]", "", text)
    return len(digits) >= _SHORTEST_DIGITS if digits.isdigit() else len(text) >= _SHORTEST


def _unpacked(content: bytes) -> Iterator[bytes]:
    """The bytes of a file, and of whatever it holds compressed."""
    yield content
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            for name in package.namelist():
                yield name.encode()
                yield from _unpacked(package.read(name))
    elif content[:5] == b"%PDF-":
        for stream in _STREAM.findall(content):
            try:
                yield zlib.decompress(stream.strip(b"\r\n"))
            except zlib.error:
                continue
    elif content[:8] == b"\x89PNG\r\n\x1a\n":
        yield _texts_of_png(content)


def _texts_of_png(content: bytes) -> bytes:
    """The text chunks of a picture."""
    found, place = b"", 8
    while place + 8 <= len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        if kind in {b"tEXt", b"zTXt", b"iTXt", b"eXIf"}:
            found += content[place + 8 : place + 8 + length] + b"\n"
        place += 12 + length
    return found
