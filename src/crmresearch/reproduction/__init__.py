"""Published results, recomputed."""

from crmresearch.reproduction.published import reproduce

__all__ = ["reproduce"]
