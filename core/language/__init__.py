"""The text models and the ways to look into them."""

from core.language.models import NAMES, sentiment

__all__ = ["NAMES", "sentiment"]
