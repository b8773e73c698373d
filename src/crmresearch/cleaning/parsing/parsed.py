"""What every parser hands back."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Parsed:
    """Values of a column of texts.

    Attributes
    ----------
    values : pa.Array
        Typed; null where the text is missing or has a reason.
    reasons : pa.LargeStringArray
        Reason code (a key of ``REASONS``) where the text could not be read, else null.
    rules : pa.LargeStringArray
        Rule of the cleaning log by which a text was normalised, else null.
    """

    values: pa.Array
    reasons: pa.Array
    rules: pa.Array

    def take(self, indices: pa.Array) -> Parsed:
        """The values at ``indices``; null indices give missing values."""
        return Parsed(self.values.take(indices), self.reasons.take(indices), self.rules.take(indices))


def codes(mask: pa.BooleanArray, code: str) -> pa.LargeStringArray:
    """``code`` where ``mask`` holds, else null."""
    return pc.if_else(pc.fill_null(mask, False), pa.scalar(code, pa.large_string()), pa.scalar(None, pa.large_string()))
