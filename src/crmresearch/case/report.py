"""How a case's report is to look: profile, outline, the author's own text, references, a Word template."""

from __future__ import annotations

from pydantic import Field

from crmresearch.case.files import FileName
from crmresearch.case.strict import Bilingual, Strict


class Report(Strict):
    """The part ``report`` of the case file; every key may be left out.

    Attributes
    ----------
    profile, outline : str
        Names of a style profile and an outline; the command line's come first.
    prose : dict[str, str]
        Language (``en``, ``zh``) → Markdown file beside ``case.yaml``, placed by its headings.
    references : str
        BibTeX file beside ``case.yaml``.
    template : str
        Word template beside ``case.yaml``: the fields it names are filled, the report stands at ``{{ body }}``.
    cover : dict[str, Bilingual]
        Further lines of the cover: label → text (``author``, ``supervisor``, ``school`` have labels of their own).
    """

    profile: str = ""
    outline: str = ""
    prose: dict[str, FileName] = Field(default_factory=dict)
    references: FileName | None = None
    template: FileName | None = None
    cover: dict[str, Bilingual] = Field(default_factory=dict)
