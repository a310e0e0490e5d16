"""The text models and the ways to look into them."""

from core.language.models import NAMES, sentiment
from core.language.reading import read

__all__ = ["NAMES", "read", "sentiment"]
