"""Bytes → text, strictly: a byte that does not fit is an error with its place, never a guess."""

from __future__ import annotations

import codecs
import re

from crmresearch.case import SourceFile
from crmresearch.cleaning.notes import Note, examples
from crmresearch.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with byte order mark"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_SAMPLE = 100_000
_RARE_SHARE = 0.2
_SURROGATE = re.compile("[\ud800-\udfff]")
LOST = "\ufffd"
"""Stands where a character could not be decoded; a cell that holds it is quarantined."""


def decode(data: bytes, source: SourceFile) -> tuple[str, tuple[Note, ...]]:
    """Decode a text file.

    The order is: the encoding declared in ``case.yaml``; a byte order mark; UTF-8; GB18030 (which
    contains GBK and GB2312). Nothing else is tried: Latin-1 would accept any bytes and turn
    Chinese into nonsense.

    Raises
    ------
    InputError
        The bytes fit none of these, or two encodings are mixed; the message names byte and row.
    """
    if source.encoding:
        return _strict(data, source.encoding, source.file), ()
    for mark, encoding, name in _MARKS:
        if data.startswith(mark):
            return _strict(data, encoding, source.file), (Note("ENCODING", "normalised", examples=(name,)),)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        first_bad = error.start
    try:
        return _SURROGATE.sub(LOST, data.decode("utf-8", "surrogatepass")), ()
    except UnicodeDecodeError:
        _refuse_mixture(data, first_bad, source.file)
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise InputError(
            f"neither UTF-8 (byte {first_bad}) nor GB18030 (byte {error.start})",
            where=f"{source.file}, row {_row(data, error.start)}",
            repair="Save it as CSV UTF-8, or declare its 'encoding' in case.yaml (big5, shift_jis, cp1252 …).",
        ) from None
    return text, _gb18030_notes(text)


def _strict(data: bytes, encoding: str, file: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise InputError(
            f"unknown encoding {encoding!r}", where=file, repair="Use a name such as utf-8, gb18030, big5, utf-16."
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        raise InputError(
            f"not valid {encoding} (byte {start})",
            where=f"{file}, row {_row(data, start)}",
            repair="Save it as CSV UTF-8, or mend 'encoding' in case.yaml.",
        ) from None


def _refuse_mixture(data: bytes, first_bad: int, file: str) -> None:
    """Refuse a file whose first or last lines are UTF-8 with non-ASCII characters and others are not."""
    begin = data.rfind(b"\n", 0, first_bad) + 1
    last = data.rstrip(b"\r\n").rfind(b"\n") + 1
    for part, odd in ((data[:begin], first_bad), (data[last:], last)):
        if _is_wide_utf8(part):
            raise InputError(
                f"two encodings in one file: UTF-8 and another (byte {odd})",
                where=f"{file}, row {_row(data, odd)}",
                repair="Save the parts as UTF-8 before joining them, or declare 'encoding' if it is one only.",
            )


def _is_wide_utf8(part: bytes) -> bool:
    try:
        text = part.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum(ch > "\u07ff" for ch in text[:_SAMPLE]) > 1


def _row(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _gb18030_notes(text: str) -> tuple[Note, ...]:
    wide = [ch for ch in text[:_SAMPLE] if ch > "\x7f"]
    samples = examples(re.findall(r"[^\x00-\x7f]+", text[:_SAMPLE])[:5])
    note = Note("ENCODING", "normalised", examples=("GB18030", *samples[:4]))
    rare = sum(not _in_gb2312(ch) for ch in wide)
    if wide and rare > _RARE_SHARE * len(wide):
        return note, Note("ENCODING_DOUBTFUL", "warning", count=rare, examples=samples)
    return (note,)


def _in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
