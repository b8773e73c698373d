"""Raw bytes → text frame: one reader per format, chosen by what the file is, never by its name alone."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Collection
from pathlib import Path

from crmresearch.case import SourceFile
from crmresearch.cleaning.readers.frame import TextFrame
from crmresearch.cleaning.readers.magic import format_of_content, format_of_name
from crmresearch.cleaning.readers.parquet import read_parquet
from crmresearch.cleaning.readers.text import read_text
from crmresearch.cleaning.readers.untrusted import read_spss, read_stata, read_workbook
from crmresearch.cleaning.readers.wenjuanxing import as_wenjuanxing
from crmresearch.errors import InputError, nearest

__all__ = ["FORMATS", "TextFrame", "read_file", "source_digest"]

Reader = Callable[[bytes, SourceFile, Collection[str]], TextFrame]

FORMATS: dict[str, Reader] = {
    "text": read_text,
    "Parquet": read_parquet,
    "an Excel workbook (.xlsx)": read_workbook,
    "an SPSS file": read_spss,
    "a Stata file": read_stata,
}
"""Format → its reader: ``(bytes, declaration, headings looked for) → TextFrame``."""

READ_NOW = "text tables (.csv, .tsv, .txt, also as .gz), Excel (.xlsx), SPSS (.sav), Stata (.dta) and Parquet"
MAX_BYTES = 2_000_000_000
_RATIO_FROM, _MAX_RATIO, _PIECE = 100_000_000, 200, 1 << 20


def read_file(path: Path, source: SourceFile, wanted: Collection[str] = ()) -> tuple[TextFrame, str]:
    """Read one raw file, or the answer of a database, as text.

    Parameters
    ----------
    path : Path
    source : SourceFile
        Its declaration: delimiter, encoding, rows to skip, digest.
    wanted : Collection[str]
        Headings looked for, in normal form; they decide between possible delimiters.

    Returns
    -------
    frame : TextFrame
    sha256 : str
        Digest of exactly the bytes that were read.

    Raises
    ------
    InputError
        The file is missing, too large, changing, damaged, not of the declared digest, or of a
        format that is not read.
    """
    if source.connection:
        from crmresearch.cleaning.readers.database import read_database

        frame, sha256 = read_database(source, path.parent)
        _refuse_other_digest(source, sha256)
        return frame, sha256
    data = _load(path)
    sha256 = hashlib.sha256(data).hexdigest()
    _refuse_other_digest(source, sha256)
    data, found = _unpacked(data, path)
    frame = FORMATS[found](data, source, wanted)
    return (as_wenjuanxing(frame) if source.platform == "wenjuanxing" else frame), sha256


def source_digest(path: Path, source: SourceFile) -> str:
    """SHA-256 of a raw file, or of what its database answers now."""
    if source.connection:
        return read_file(path, source)[1]
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_other_digest(source: SourceFile, sha256: str) -> None:
    if source.sha256 and source.sha256.lower() != sha256:
        raise InputError(
            f"the file differs from its declared sha256 (declared {source.sha256[:12]}…, got {sha256[:12]}…)",
            where=source.file,
            repair="Restore the file, or update the sha256 in case.yaml if the change is meant.",
        )


def _unpacked(data: bytes, path: Path) -> tuple[bytes, str]:
    """The bytes without gzip, and their format, which the file's name must state too."""
    zipped = path.suffix.lower() == ".gz"
    if zipped and format_of_content(data) == "gzip":
        data, zipped = _unzip(data, path.name), False
    found, named = format_of_content(data), format_of_name(path.name)
    if found not in FORMATS:
        raise InputError(
            f"the content is {found}, which is not read",
            where=path.name,
            repair=f"Formats read: {READ_NOW}. Export the table as CSV UTF-8.",
        )
    if data and (zipped or named != found):
        raise InputError(
            f"the name says {'gzip' if zipped else named}, the content is {found}",
            where=path.name,
            repair=f"Rename it by what it is. Formats read: {READ_NOW}.",
        )
    return data, found


def _load(path: Path) -> bytes:
    try:
        before = path.stat()
        if before.st_size > MAX_BYTES:
            raise InputError(
                f"{before.st_size:,} bytes, above the limit of {MAX_BYTES:,}",
                where=path.name,
                repair="Split the file by year, or export only the columns needed.",
            )
        data = path.read_bytes()
        after = path.stat()
    except FileNotFoundError:
        names = [p.name for p in path.parent.glob("*") if p.name != "case.yaml"]
        raise InputError(
            f"no such file{nearest(path.name, names)}",
            where=path.name,
            repair=f"Copy it into {path.parent.name}/, or mend its name in case.yaml.",
        ) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path.name, repair="Check its rights.") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != before.st_size:
        raise InputError(
            "the file changed while it was read", where=path.name, repair="Run again when the export is complete."
        )
    return data


def _unzip(data: bytes, where: str) -> bytes:
    """The unpacked bytes; unpacking stops where they grow beyond what a table can pack to."""
    pieces, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            while piece := stream.read(_PIECE):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_BYTES or (size > _RATIO_FROM and size > _MAX_RATIO * len(data)):
                    break
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"damaged gzip file ({error})", where=where, repair="Copy or export it again.") from None
    if size > MAX_BYTES:
        raise InputError(f"unpacks to more than {MAX_BYTES:,} bytes", where=where, repair="Split the file.")
    if size > _RATIO_FROM and size > _MAX_RATIO * len(data):
        raise InputError(
            f"{len(data):,} bytes unpack to more than {size:,}: a zip bomb, or a file of blanks",
            where=where,
            repair="Unpack and look at it; declare the plain file if it is a table.",
        )
    return b"".join(pieces)
