"""How the next token is chosen: the formula of every step, with the numbers of one token."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.language.generation.sampling import Candidate, Choice, Sampling
from ui import state
from ui.language_model import Desk, name_of, piece
from ui.sentiment_recurrent import n
from ui.words import percent, t

LISTED = 10  # rows of the table


def choice(found: Desk) -> None:
    """The formulas with one token's numbers, and all steps of the likeliest tokens as a table."""
    made = found.choice()
    candidates = found.draft.candidates(made, LISTED)
    names = [piece(name_of(found.model.vocabulary, one.id), found.training) for one in candidates]
    st.markdown(
        t(
            "language_model.choice.lead",
            all=f"{int(np.isfinite(made.scores).sum()):,}",
            kept=f"{_kept(made):,}",
        )
    )
    left, right = st.columns([1, 1], gap="large")
    with right:
        _table(candidates, names, made.sampling)
    with left:
        key = "language_choice_token"
        place = state.remember(key, 0, options=range(len(candidates)))
        st.selectbox(
            t("language_model.choice.token"),
            range(len(candidates)),
            key=key,
            format_func=lambda at: f"{names[at]}  {percent(candidates[at].probability)}",
            on_change=state.keep,
            args=(key,),
        )
        _formulas(found, made, candidates[place])


def _formulas(found: Desk, made: Choice, one: Candidate) -> None:
    """Penalty, temperature, softmax, what is cut off, and the probability that is drawn with."""
    rules = made.sampling
    seen = one.id in set(found.ids[-rules.penalty_window :])
    if rules.repetition_penalty != 1:
        shown = f"{rules.repetition_penalty:.2f}"
        if seen:
            act = rf"{n(one.score)} / {shown}" if one.score > 0 else rf"{n(one.score)} \cdot {shown}"
        else:
            act = n(one.score)
        st.latex(r"z'_i = \begin{cases} z_i / r & z_i > 0 \\ z_i \cdot r & z_i \le 0 \end{cases}")
        st.latex(rf"z' = {act} = {n(one.penalised)}")
        st.caption(
            t(
                f"language_model.choice.penalty.{'seen' if seen else 'unseen'}",
                window=rules.penalty_window,
            )
        )
    else:
        st.latex(rf"z = {n(one.score)}")
        st.caption(t("language_model.choice.score"))
    if rules.temperature == 0:
        st.latex(r"p_i = 1 \;\; (i = \arg\max_j z'_j), \qquad p_i = 0 \;\; \text{else}")
        st.latex(rf"p = {n(one.softmax)}")
        st.caption(t("language_model.choice.greedy"))
        return
    finite = np.isfinite(made.scaled)
    largest = float(made.scaled[finite].max())
    total = float(np.exp(made.scaled[finite].astype(np.float64) - largest).sum())
    st.latex(r"p_i = \frac{e^{z'_i / T - m}}{\sum_j e^{z'_j / T - m}}, \qquad m = \max_j z'_j / T")
    st.latex(
        rf"p = \frac{{e^{{{n(one.penalised)} / {rules.temperature:.2f} - {n(largest, True)}}}}}{{{n(total)}}}"
        rf" = {_p(one.softmax)}"
    )
    st.caption(t("language_model.choice.softmax"))
    kept = float(made.softmax[made.in_top_p].sum())
    limit = [rf"\text{{top-}}k = {rules.top_k}"] if rules.top_k else []
    limit += [rf"\text{{top-}}p = {rules.top_p:.2f}"] if rules.top_p < 1 else []
    if not limit:
        st.caption(t("language_model.choice.uncut"))
        return
    st.latex(
        r"\begin{gathered} P_i = \frac{p_i}{\sum_{j \in K} p_j} \;\; (i \in K) \\ "
        + r",\ ".join([*limit, rf"|K| = {_kept(made)}"])
        + r" \end{gathered}"
    )
    if one.in_top_p:
        st.latex(rf"P = {_p(one.softmax)} / {_p(kept)} = {_p(one.probability)}")
        st.caption(t("language_model.choice.cut"))
    else:
        st.latex("P = 0")
        st.caption(t(f"language_model.choice.out.{'p' if one.in_top_k else 'k'}"))


def _kept(made: Choice) -> int:
    """How many tokens can be drawn."""
    return int((made.in_top_p & np.isfinite(made.scores)).sum())


def _p(share: float) -> str:
    """A probability in a formula."""
    if not 0 < share < 0.0005:
        return f"{share:.4f}"
    mantissa, exponent = f"{share:.1e}".split("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def _table(candidates: tuple[Candidate, ...], names: list[str], rules: Sampling) -> None:
    """Every step of the likeliest tokens; a rule that is off has no column."""
    columns: dict[str, list[object]] = {
        t("language_model.choice.column.token"): list(names),
        t("language_model.choice.column.score"): [round(one.score, 3) for one in candidates],
    }
    if rules.repetition_penalty != 1:
        columns[t("language_model.choice.column.penalised")] = [round(one.penalised, 3) for one in candidates]
    columns["÷ T"] = [round(one.scaled, 3) if np.isfinite(one.scaled) else None for one in candidates]
    columns[t("language_model.choice.column.softmax")] = [one.softmax for one in candidates]
    if rules.top_k:
        columns["top-k"] = [one.in_top_k for one in candidates]
    if rules.top_p < 1:
        columns["top-p"] = [one.in_top_p for one in candidates]
    columns[t("language_model.choice.column.drawn")] = [one.probability for one in candidates]
    st.dataframe(
        columns,
        hide_index=True,
        key="language_choice_table",
        height=38 + 35 * len(candidates),
        column_config={
            t(f"language_model.choice.column.{name}"): st.column_config.NumberColumn(format="%.4f")
            for name in ("softmax", "drawn")
        },
    )
