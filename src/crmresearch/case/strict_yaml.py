"""YAML read as plain text: no tags, no aliases, no guessed types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from crmresearch.errors import CaseError

MAX_CASE_FILE_BYTES = 1_000_000
MAX_CASE_FILE_DEPTH = 20


def read_yaml(path: Path) -> Any:
    """Read a YAML file as plain text values: no tags, no aliases, no guessed types.

    Every scalar stays the text that was written (``007``, ``12:30``, ``no``); types come from the
    schema that reads it.

    Raises
    ------
    CaseError
        The file is missing, over 1 MB, not UTF-8, not YAML, or uses a tag, an alias or one key twice.
    """
    where = path.name
    try:
        if path.stat().st_size > MAX_CASE_FILE_BYTES:
            raise CaseError(
                f"larger than {MAX_CASE_FILE_BYTES:,} bytes", where=where, repair="Keep data in data files."
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CaseError("no such file", where=str(path), repair="Make one with: crmresearch new NAME FILE…") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"not UTF-8 (byte {error.start})", where=where, repair="Save it as UTF-8.") from None
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            line = event.start_mark.line + 1
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_CASE_FILE_DEPTH:
                raise CaseError("nested too deeply", where=f"{where}, line {line}", repair="Flatten it.")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise CaseError(
                    "anchors and aliases are not allowed", where=f"{where}, line {line}", repair="Write the value out."
                )
            if getattr(event, "tag", None):
                raise CaseError(
                    f"the tag {event.tag!r} is not allowed", where=f"{where}, line {line}", repair="Remove it."
                )
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        return _plain(node, where)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}, line {mark.line + 1}" if mark else where
        raise CaseError(
            f"not valid YAML: {getattr(error, 'problem', None) or error}",
            where=place,
            repair="Mind indentation and colons.",
        ) from None


def _plain(node: yaml.Node | None, where: str) -> Any:
    if node is None:
        return None
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in {"", "~", "null"} else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(child, where) for child in node.value]
    mapping: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise CaseError("a key must be plain text", where=f"{where}, line {line}", repair="Quote it.")
        if key.value in mapping:
            raise CaseError(f"the key {key.value!r} stands twice", where=f"{where}, line {line}", repair="Keep one.")
        mapping[key.value] = _plain(value, where)
    return mapping
