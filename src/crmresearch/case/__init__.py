"""A case: one company or data set, its folder and the ``case.yaml`` that describes it."""

from crmresearch.case.files import ColumnMap, Provenance, SourceFile
from crmresearch.case.identity import DECISIONS_FILE, FieldKind, Identity
from crmresearch.case.indicators import IndicatorNode, IndicatorSystem, Valuation
from crmresearch.case.project import Case, Project, load_case
from crmresearch.case.questionnaire import Attribute, Construct, Instrument, Item, Kano, KanoPair, Scale, Screening
from crmresearch.case.schema import CaseFile
from crmresearch.case.strict import Bilingual
from crmresearch.case.strict_yaml import read_yaml

__all__ = [
    "DECISIONS_FILE",
    "Attribute",
    "Bilingual",
    "Case",
    "CaseFile",
    "ColumnMap",
    "Construct",
    "FieldKind",
    "Identity",
    "IndicatorNode",
    "IndicatorSystem",
    "Instrument",
    "Item",
    "Kano",
    "KanoPair",
    "Project",
    "Provenance",
    "Scale",
    "Screening",
    "SourceFile",
    "Valuation",
    "load_case",
    "read_yaml",
]
