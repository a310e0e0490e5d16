"""The hidden state over time, the gates of a GRU, and the arithmetic of one unit at one step."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.language.arithmetic import Gate, Recurrent, Sum
from core.language.reading import Reading
from ui import cache, charts, state
from ui import inside_pictures as pictures
from ui.components.states import states
from ui.sentiment import Look, quoted, shown, turns
from ui.words import t

GATES = ("update", "reset", "candidate")
TERMS = 2  # of a sum that are written out


def recurrent(look: Look) -> None:
    """The states as pictures, one unit over time, and how one of its numbers comes about."""
    reading = look.reading()
    step, unit = chosen(look, reading)
    st.markdown(t(f"sentiment.states.lead.{look.model}"))
    pieces = shown(reading)
    hidden = reading.states["hidden"]
    order = [int(place) for place in np.argsort(-hidden.mean(0), kind="stable")]

    def heat(name: str, height: int) -> None:
        values = reading.states[name]
        gate = name in ("update", "reset")
        states(
            values,
            pieces,
            key=f"sentiment_states_{look.model}_{name}",
            alt=t("sentiment.states.alt", name=t(f"sentiment.states.{name}")),
            scale="viridis" if gate else "signed",
            limit=1.0 if gate else pictures.limit_of(values),
            chosen=(step, unit),
            unit=t("sentiment.states.told"),
            rows=t("sentiment.states.units", count=hidden.shape[1]),
            height=height,
            order=order,
            on_pick=lambda step, unit: choose(look.model, step, unit),
        )

    if look.model == "gru":
        for pair in (("update", "reset"), ("candidate", "hidden")):
            for column, name in zip(st.columns(2, gap="medium"), pair, strict=True):
                with column:
                    st.markdown(
                        f"**{t(f'sentiment.states.{name}')}** · {t(f'sentiment.states.{name}.about')}"
                    )
                    heat(name, 150)
    else:
        heat("hidden", 280)
    left, right = st.columns([7, 5], gap="large")
    with right:
        _over_time(look, reading, pieces, unit)
    with left:
        _arithmetic(look, pieces[step], step, unit)


def chosen(look: Look, reading: Reading) -> tuple[int, int]:
    """Step and unit: as they were chosen, else the unit that moves most where the network turns."""
    hidden = reading.states["hidden"]
    kept = state.visit().kept.get("sentiment_cell", {}).get(look.model)
    if kept is not None and kept[0] < len(hidden):
        step, unit = kept
        return step, unit
    found = turns([float(p) for p in reading.running])
    step = found[-1] if found else len(hidden) - 1
    before = hidden[step - 1] if step else np.zeros_like(hidden[0])
    return step, int(np.abs(hidden[step] - before).argmax())


def choose(model: str, step: int, unit: int) -> None:
    """Another number in the run that follows."""
    state.visit().kept.setdefault("sentiment_cell", {})[model] = (step, unit)


def _over_time(look: Look, reading: Reading, pieces: list[str], unit: int) -> None:
    names = ("hidden", *GATES) if look.model == "gru" else ("hidden",)
    roles = ("main", "second", "muted", "third")
    st.markdown(f"**{t('sentiment.states.over_time', unit=unit)}**")
    charts.over_tokens(
        pieces,
        [
            charts.Line(t(f"sentiment.states.{name}"), reading.states[name][:, unit], role)
            for name, role in zip(names, roles, strict=False)
        ],
        key=f"sentiment_over_time_{look.model}",
        y_title=t("sentiment.states.value"),
        alt=t("sentiment.states.over_time.alt", unit=unit),
        y_range=(-1.05, 1.05),
        height=280,
    )


# --- the arithmetic --------------------------------------------------------------------------------


def _arithmetic(look: Look, piece: str, step: int, unit: int) -> None:
    found = cache.recurrent(look.model, look.digest, look.window, step, unit, look.text)
    st.markdown(f"**{t('sentiment.states.arithmetic', unit=unit, step=step + 1, token=quoted(piece))}**")
    _checked(found)
    if look.model == "gru":
        _gru(found)
    else:
        [gate] = found.gates
        st.latex(r"h_t = \tanh\left(W x_t + U h_{t-1} + b\right)")
        st.latex(_written(gate, found.step, "h"))
        st.caption(t("sentiment.states.article"))
        _table(gate)


def _checked(found: Recurrent) -> None:
    values = {
        "value": f"{found.value:.6f}".replace("-", "−"),
        "network": f"{found.network:.6f}".replace("-", "−"),
        "difference": pictures.tiny(found.difference),
    }
    if found.agrees:
        st.success(t("sentiment.agrees", **values), icon=":material/check_circle:")
    else:
        st.error(t("sentiment.disagrees", **values), icon=":material/cancel:")


def _gru(found: Recurrent) -> None:
    st.latex(r"h_t = z_t\, h_{t-1} + (1 - z_t)\, \tilde h_t")
    by_name = {gate.name: gate for gate in found.gates}
    z, candidate = by_name["update"].value, by_name["candidate"].value
    st.latex(
        rf"h_{{{found.step + 1}}} = {n(z)} \cdot {n(found.previous, True)} + (1 - {n(z)}) \cdot "
        rf"{n(candidate, True)} = {n(found.value)}"
    )
    st.caption(t("sentiment.states.keeps", share=f"{100 * z:.0f}%"))
    formulas = {
        "update": r"z_t = \sigma(W_z x_t + b_z + U_z h_{t-1} + c_z)",
        "reset": r"r_t = \sigma(W_r x_t + b_r + U_r h_{t-1} + c_r)",
        "candidate": r"\tilde h_t = \tanh(W_h x_t + b_h + r_t\,(U_h h_{t-1} + c_h))",
    }
    letters = {"update": "z", "reset": "r", "candidate": r"\tilde h"}
    for gate in found.gates:
        with st.expander(f"{t(f'sentiment.states.{gate.name}')} = {n(gate.value)}".replace("-", "−")):
            st.latex(formulas[gate.name])
            st.latex(_written(gate, found.step, letters[gate.name]))
            _table(gate)


def _written(gate: Gate, step: int, letter: str) -> str:
    """The formula with this very unit's numbers."""
    function = {"tanh": r"\tanh", "sigmoid": r"\sigma"}[gate.activation]
    state_part = _sum(gate.from_state)
    if gate.factor != 1 or gate.state_bias:
        inner = state_part + (f" {gate.state_bias:+.3f}" if gate.state_bias else "")
        state_part = rf"{n(gate.factor)}\,({inner})" if gate.factor != 1 else inner
    return (
        r"\begin{aligned}"
        rf"{letter}_{{{step + 1}}} &= {function}\big(\underbrace{{{_sum(gate.from_input)}}}_{{W x_t}}\\"
        rf"&\quad + \underbrace{{{state_part}}}_{{U h_{{t-1}}}} {gate.bias:+.3f}\big)\\"
        rf"&= {function}({n(gate.before)}) = {n(gate.value)}"
        r"\end{aligned}"
    )


def _sum(found: Sum) -> str:
    """The largest products of a sum, and the rest in one number."""
    parts = [
        f"{n(term.weight, place > 0)} \\cdot {n(term.value, True)}"
        for place, term in enumerate(found.terms[:TERMS])
    ]
    listed = sum(term.product for term in found.terms[:TERMS])
    rest = found.total - listed
    if found.others or len(found.terms) > TERMS:
        parts.append(n(rest, True))
    return " + ".join(parts) if parts else "0"


def n(value: float, brackets: bool = False) -> str:
    """A number of a formula; a negative one in brackets where a sign stands before it."""
    text = f"{value:.3f}"
    return f"({text})" if brackets and text.startswith("-") else text


def _table(gate: Gate) -> None:
    """The largest products of both sums."""
    rows = [("x", term) for term in gate.from_input.terms] + [("h", term) for term in gate.from_state.terms]
    st.dataframe(
        {
            t("sentiment.states.source"): [f"{kind}[{term.index}]" for kind, term in rows],
            t("sentiment.states.weight"): [round(term.weight, 4) for _, term in rows],
            t("sentiment.states.number"): [round(term.value, 4) for _, term in rows],
            t("sentiment.states.product"): [round(term.product, 4) for _, term in rows],
        },
        hide_index=True,
        height=210,
        key=f"sentiment_terms_{gate.name}",
    )
    st.caption(
        t(
            "sentiment.states.rest",
            inputs=gate.from_input.others,
            input_rest=n(gate.from_input.rest).replace("-", "−"),
            units=gate.from_state.others,
            state_rest=n(gate.from_state.rest).replace("-", "−"),
        )
    )
