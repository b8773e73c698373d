"""Pseudonyms: keyed, so that nobody without the key can try names out; the key lies outside the project."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from crmresearch.errors import StorageError, UsageError

KEYS_VARIABLE = "CRMRESEARCH_KEYS"
_BYTES = 32
_SHOWN = 10


def key_of(case: str, project: Path) -> bytes:
    """The key of a case: from a file of its own outside the project, made where there is none.

    ``CRMRESEARCH_KEYS`` names the folder; without it, ``~/.config/crmresearch/keys``.

    Raises
    ------
    UsageError
        The folder lies inside the project, where it would be shared with it.
    StorageError
        The key cannot be read or written, or is too short.
    """
    folder = Path(os.environ.get(KEYS_VARIABLE) or Path.home() / ".config" / "crmresearch" / "keys").resolve()
    if folder.is_relative_to(project.resolve()):
        raise UsageError(
            "keys may not lie inside the project", where=str(folder), repair=f"Set {KEYS_VARIABLE} to another folder."
        )
    name = hashlib.sha256(case.encode()).hexdigest()[:12] + ".key"
    path = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '', case)[:30]}-{name}"
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(secrets.token_hex(_BYTES))
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise StorageError(
            f"no usable key ({type(error).__name__})", where=str(path), repair="Mend its rights."
        ) from None
    if len(key) < _BYTES:
        raise StorageError("the key is too short", where=str(path), repair="Take it away; a new one is made.")
    return key


def pseudonym(value: str, *, column: str, key: bytes) -> str:
    """What stands for a name: the same for the same name, column and key.

    Examples
    --------
    >>> pseudonym("Ann", column="name", key=bytes(32)), pseudonym("Ann", column="name", key=bytes(31) + b"x")
    ('P-fdd69ecfe6', 'P-3f7ee66705')
    """
    digest = hmac.new(key, f"{column}\0{value}".encode(), hashlib.sha256).hexdigest()
    return f"P-{digest[:_SHOWN]}"
