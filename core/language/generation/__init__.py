"""The language models: what they hold likely as the next token, how a text is written, and read back."""

from core.language.generation.models import TRAININGS, available, language_model
from core.language.generation.sampling import Sampling
from core.language.generation.surprise import inside, logit_lens, read_back
from core.language.generation.types import KINDS
from core.language.generation.writing import FORMS, GUIDANCE, Draft, generate, go_on, next_token, prompt

__all__ = [
    "FORMS",
    "GUIDANCE",
    "KINDS",
    "TRAININGS",
    "Draft",
    "Sampling",
    "available",
    "generate",
    "go_on",
    "inside",
    "language_model",
    "logit_lens",
    "next_token",
    "prompt",
    "read_back",
]
