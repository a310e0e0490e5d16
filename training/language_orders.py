"""Whether the language models do as they are told: reviews of a wished sentiment, poems in a wished form.

python -m training.language_model --corpus reviews --circle
python -m training.language_model --corpus poems --forms
"""

from __future__ import annotations

import numpy as np

from core.language import sentiment
from core.language.generation import (
    FORMS,
    GUIDANCE,
    KINDS,
    Sampling,
    available,
    generate,
    language_model,
    poems,
    prompt,
)
from core.language.generation.writing import Ended
from core.types import Floats

WRITTEN = 100  # texts a form
LONGEST_REVIEW = 120  # tokens
AGREED, KEPT = 0.90, 0.90


def write(training: str, kind: str, form: str, seed: int, guidance: float = 0.0) -> str:
    """A text of a form, as the page writes it when nothing else is chosen."""
    model = language_model(training, kind)
    most = LONGEST_REVIEW if training == "reviews" else 120
    sampling = Sampling()
    events = generate(
        model, prompt(model, "", form), sampling, most=most, seed=seed, guidance=guidance, alternatives=0
    )
    *_, last = events
    assert isinstance(last, Ended)
    return last.text


def circle() -> list[str]:
    """Write reviews to order and let the pretrained sentiment model read them; what is not reached."""
    judge, problems = sentiment("pretrained"), []
    for kind in available()["reviews"]:
        for guidance in (0.0, GUIDANCE):
            for language in ("en", "zh"):
                agreed: list[bool] = []
                for form in FORMS["reviews"]:
                    if form.startswith(language):
                        texts = [write("reviews", kind, form, seed, guidance) for seed in range(WRITTEN)]
                        agreed += list(as_ordered(judge.predict([text for text in texts if text]), form))
                        agreed += [False] * sum(not text for text in texts)
                share = float(np.mean(agreed))
                print(
                    f"reviews {kind:11s} {language} guidance {guidance:.1f}:"
                    f" {share:.3f} of {len(agreed)} read as ordered",
                    flush=True,
                )
                if kind == "transformer" and guidance and share < AGREED:
                    problems.append(f"{language}: {share:.3f} read as ordered is below {AGREED}")
    return problems


def as_ordered(probabilities: Floats, form: str) -> np.ndarray:
    """Whether each text is read as its form wishes; probabilities (n, 2) of negative and positive."""
    wished = int(form.endswith("positive"))
    return np.asarray(probabilities[:, wished] > 0.5)


def forms() -> list[str]:
    """Write poems and count their lines' characters; what is not reached."""
    problems = []
    for kind in KINDS:
        for form in FORMS["poems"]:
            found = [poems.kept(write("poems", kind, form, seed), form) for seed in range(WRITTEN)]
            length = float(np.mean([one.line_length for one in found]))
            whole = float(np.mean([one.all for one in found]))
            print(
                f"poems {kind:11s} {form:8s} {length:.2f} keep the line, {whole:.2f} the whole form",
                flush=True,
            )
            if kind == "transformer" and length < KEPT:
                problems.append(f"{form}: {length:.2f} keep the line, below {KEPT}")
    return problems
