"""Mediation in linear models: simple, parallel, serial, and moderated."""

from crmresearch.scoring.satisfaction.mediation.conditional import ConditionalMediation, mediate_conditionally
from crmresearch.scoring.satisfaction.mediation.linear import Mediation, mediate

__all__ = ["ConditionalMediation", "Mediation", "mediate", "mediate_conditionally"]
