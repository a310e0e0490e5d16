"""A language model's desk: which model writes, after which prompt, by which rules, and what it has written."""

from __future__ import annotations

import hashlib
import re
import time
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.mutable_tab_container import TabContainer

from core import assets
from core.errors import GlassboxError
from core.language import generation
from core.language.calibration import softmax
from core.language.generation import poems
from core.language.generation.sampling import Choice, Sampling
from core.language.generation.surprise import likely
from core.language.generation.types import Inside, LanguageModel, NetworkModel, Vocabulary
from core.language.generation.vocabulary import Pieces
from core.language.generation.writing import FORMS, LONGEST_PROMPT, Draft, prompt
from core.params import Range
from core.types import Floats
from ui import frame, state
from ui import tabs as lazy
from ui.components.next_token import NAMED, Control, next_token
from ui.components.writing import writing
from ui.components.written import Glyph, written
from ui.sentiment import again, digest_of, printable
from ui.words import percent, sentence, t

OWN = "own"
KINDS = (*generation.TRAININGS, OWN)  # what a model has learned from
NETWORKS = ("transformer", "gru", "ngram")
TABS = ("choice", "inside", "lens", "cache", "side", "read", "circle", "teach")
SCRIPTS = ("traditional", "simplified")
LINK = 200  # characters of a prompt that go into a link
SHOWN = 400  # characters of a prompt that are shown before what was written
MOST = 200  # tokens that are written in one go
AT_ONCE = 2  # of them between two pictures
LIKELY = 5  # tokens that are told in place of another
OFF = {"top_k": 0.0, "top_p": 1.0, "repetition_penalty": 1.0}  # where a rule does nothing
CONTROLS = ("temperature", "top_k", "top_p", "repetition_penalty")
END = "∎"


@dataclass(frozen=True)
class Step:
    """A token that was written, as the model itself saw it, whatever the rules."""

    id: int
    before: str  # spaces before it
    letters: str
    probability: float
    rank: int  # 1: nothing was likelier
    likely: tuple[tuple[str, float], ...]  # the likeliest tokens in its place
    chosen: bool = False  # by hand
    seconds: float = 0.0

    @property
    def bits(self) -> float:
        """How surprising it was."""
        return float(-np.log2(max(self.probability, 1e-30)))


@dataclass
class Desk:
    """What is being written; it goes with the visit."""

    training: str
    kind: str
    form: str | None
    text: str  # the prompt, as typed
    model: LanguageModel
    draft: Draft
    steps: list[Step] = field(default_factory=list)
    seed: int = 0
    left: int = 0  # tokens that are still to be written in this go
    _inside: tuple[tuple[int, ...], Inside] | None = None
    _choice: tuple[tuple[tuple[int, ...], Sampling], Choice] | None = None

    @property
    def running(self) -> bool:
        """Whether it writes on by itself."""
        return self.left > 0

    @property
    def ids(self) -> tuple[int, ...]:
        """All tokens, the prompt's too."""
        return self.draft.ids

    def choice(self) -> Choice:
        """The distribution of the next token under the visitor's rules."""
        name = self.ids, sampling_now()
        if self._choice is None or self._choice[0] != name:
            self._choice = name, self.draft.choice(name[1])
        return self._choice[1]

    def take(self, id: int, chosen: bool = False) -> None:
        """Write a token."""
        row, before = self.choice().model, self.draft.text
        begun = time.perf_counter()
        self.draft.take(id)
        self.choice()
        seconds = time.perf_counter() - begun
        self.steps.append(step(self.model, row, id, before, self.draft.text, chosen, seconds))

    def draw(self) -> None:
        """Write one token, drawn by the visitor's rules."""
        random = np.random.default_rng([self.seed, len(self.ids)])
        self.take(self.choice().draw(random))

    def back_to(self, count: int) -> None:
        """Keep only the first so many written tokens; what is drawn next is drawn anew."""
        taken = len(self.steps) - count
        if taken > 0:
            self.draft.undo(taken)
            del self.steps[count:]
            self.seed += 1
        self.left = 0

    def inside(self) -> Inside:
        """What the pass over the tokens in sight leaves behind, of a network."""
        assert isinstance(self.model, NetworkModel)
        if self._inside is None or self._inside[0] != self.ids:
            self._inside = self.ids, generation.inside(self.model, self.ids)
        return self._inside[1]


def step(
    model: LanguageModel, row: Floats, id: int, before: str, after: str, chosen: bool, seconds: float
) -> Step:
    """A token that was written where `row` (tokens,) were the model's own probabilities."""
    new = after[len(before) :]
    letters = new.lstrip(" ") or new
    return Step(
        id,
        new[: len(new) - len(letters)],
        END if model.vocabulary.is_special(id) else letters,
        float(row[id]),
        1 + int((row > row[id]).sum()),
        tuple((name_of(model.vocabulary, one.id), one.probability) for one in likely(model, row, LIKELY)),
        chosen,
        seconds,
    )


def name_of(vocabulary: Vocabulary, id: int) -> str:
    """A token's characters; of one that goes on with a word, a hyphen before them."""
    goes_on = isinstance(vocabulary, Pieces) and vocabulary.goes_on(id)
    return ("-" if goes_on else "") + vocabulary.piece(id)


def steps_of(model: LanguageModel, ids: Sequence[int], given: int) -> list[Step]:
    """Tokens that stand there already, behind `given` ones, as a model sees them."""
    if len(ids) <= given:
        return []
    rows = softmax(model.logits(np.array(ids[:-1], np.int32))[given - 1 :])
    texts = [model.vocabulary.decode(ids[:end]) for end in range(given, len(ids) + 1)]
    return [
        step(model, row, id, texts[place], texts[place + 1], False, 0.0)
        for place, (row, id) in enumerate(zip(rows, ids[given:], strict=True))
    ]


# --- what is chosen --------------------------------------------------------------------------------


def ships(training: str, network: str) -> bool:
    """Whether the app has the weights of a model."""
    return any(training == name and network in there for name, there in generation.models.available().items())


def networks(kind: str) -> tuple[str, ...]:
    """The kinds of models that there are of a training; one's own is what was taught."""
    return tuple(name for name in NETWORKS if kind == OWN or ships(kind, name))


def kinds() -> tuple[str, ...]:
    """What there are models of."""
    return tuple(kind for kind in KINDS if networks(kind))


def tab_names() -> tuple[str, ...]:
    """The tabs; the circle needs a model that writes reviews."""
    return tuple(name for name in TABS if name != "circle" or "reviews" in kinds())


def recall() -> None:
    """Gives all choices their values before the widgets are drawn: from the link, else as they were left."""
    kind = state.remember("language_kind", kinds()[0], options=kinds(), url="kind")
    state.remember("language_network", networks(kind)[0], options=networks(kind), url="model")
    if forms := FORMS.get(kind):
        first = f"{state.texts_language()}_positive"
        default = first if first in forms else forms[0]
        state.remember(f"language_form_{kind}", default, options=forms, url="form")
    state.remember("language_script", _script(), options=SCRIPTS, url="script")
    state.remember("language_tab", tab_names()[0], options=tab_names(), url="tab")


def _kept(name: str) -> str:
    found: str = state.visit().kept[name]
    return found


def kind_now() -> str:
    """What the models have learned from."""
    return _kept("language_kind")


def network_now() -> str:
    """Which kind of model writes."""
    return _kept("language_network")


def form_now(kind: str) -> str | None:
    """How a text is to be: its language and sentiment, or the lines of a poem."""
    return _kept(f"language_form_{kind}") if kind in FORMS else None


def script_now() -> str:
    """In which characters a poem is shown."""
    found: str = state.visit().kept.get("language_script", _script())
    return found


def _script() -> str:
    return SCRIPTS[state.visit().language == "zh"]


def tab_now() -> str:
    """Which tab is open."""
    return _kept("language_tab")


def prompts(kind: str) -> list[dict[str, str]]:
    """Prompts to begin with: `text`, and the `form` that goes with it."""
    found: dict[str, list[dict[str, str]]] = assets.read_json("generation", "prompts.json")
    return found.get(kind, [])


def text_now(kind: str) -> str:
    """The prompt: from the link, else as it was left, else the first of the visitor's language."""
    kept: dict[str, str] = state.visit().kept.setdefault("language_text", {})
    asked = state.from_url("text")
    if asked is not None:
        kept[kind] = asked[:LINK]
    elif kind not in kept:
        kept[kind] = _first(kind)
    return kept[kind]


def _first(kind: str) -> str:
    form = form_now(kind)
    fitting = [one["text"] for one in prompts(kind) if one.get("form") == form]
    return next(iter(fitting), "")


def write_text(kind: str, text: str, form: str | None = None) -> None:
    """Makes `text` the prompt, of a form if one goes with it; a short one goes into the link."""
    state.visit().kept.setdefault("language_text", {})[kind] = text
    state.to_url("text", text if len(text) <= LINK else None)
    if form is not None:
        key = f"language_form_{kind}"
        st.session_state[key] = form
        state.keep(key, "form")


def learned() -> LanguageModel | None:
    """The model that learned here, or was brought back, if there is one."""
    found: LanguageModel | None = state.visit().kept.get("language_learned")
    return found


def model_of(kind: str, network: str) -> LanguageModel | None:
    """The model; None where the visitor's own has not been taught yet."""
    return learned() if kind == OWN else generation.language_model(kind, network)


def limits() -> dict[str, Range]:
    """What the rules of sampling may be."""
    hints = typing.get_type_hints(Sampling, include_extras=True)
    return {name: typing.get_args(hint)[1] for name, hint in hints.items()}


def sampling_now() -> Sampling:
    """The visitor's rules; the temperature may come with the link."""
    kept = state.visit().kept
    asked = state.from_url("temperature")
    if asked is not None:
        try:
            change({"temperature": float(asked)})
        except ValueError:
            state.to_url("temperature", None)
    found: Sampling = kept.setdefault("language_sampling", Sampling())
    return found


def change(values: dict[str, Any]) -> None:
    """Takes the rules that the browser tells of."""
    kept = state.visit().kept
    kept["language_sampling"] = changed(kept.get("language_sampling", Sampling()), values)
    temperature = kept["language_sampling"].temperature
    default = Sampling().temperature
    state.to_url("temperature", None if temperature == default else f"{temperature:g}")


def changed(rules: Sampling, values: dict[str, Any]) -> Sampling:
    """Rules with other values: only numbers are taken, and only such as may be."""
    for name, allowed in limits().items():
        value = values.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value):
            steps = round((min(max(value, allowed.low), allowed.high) - allowed.low) / allowed.step)
            number = round(allowed.low + steps * allowed.step, 6)
            new: Any = int(number) if name in ("top_k", "penalty_window") else number
            rules = replace(rules, **{name: new})
    return rules


def desk() -> Desk | None:
    """What is being written: as it was left, or anew where model, form or prompt are others.

    Another model goes on with the text of the one before it.

    Raises:
        GlassboxError: the model knows no character of the prompt.
    """
    kind, network = kind_now(), network_now()
    form, text = form_now(kind), text_now(kind)
    model = model_of(kind, network)
    if model is None:
        return None
    kept = state.visit().kept
    old: Desk | None = kept.get("language_desk")
    if old is not None and (old.training, old.form, old.text) == (kind, form, text):
        if old.model is model:
            return old
        if old.model.vocabulary is model.vocabulary:
            new = Desk(kind, model.kind, form, text, model, Draft(model, old.ids), seed=old.seed)
            new.draft.prompt = old.draft.prompt
            new.steps = steps_of(model, old.ids, old.draft.prompt)
            kept["language_desk"] = new
            return new
    kept.pop("language_desk", None)
    found = Desk(kind, model.kind, form, text, model, Draft(model, prompt(model, text, form)))
    kept["language_desk"] = found
    return found


def quietly() -> Desk | None:
    """The same, for the tabs: why there is none is told above them."""
    try:
        return desk()
    except GlassboxError:
        return None


def signature() -> str:
    """Names all that the tabs are drawn from; what differs from it is to be drawn again."""
    found: Desk | None = state.visit().kept.get("language_desk")
    told: list[object] = [kind_now(), network_now(), form_now(kind_now()), script_now(), text_now(kind_now())]
    told += [tab_now(), sampling_now(), found.ids if found else (), id(learned())]
    return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()


# --- a text as it is shown -------------------------------------------------------------------------


def shown_text(text: str, training: str) -> str:
    """A text in the characters that the visitor chose; of a poem two lines a row."""
    if training != "poems":
        return text
    text = poems.simplified(text) if script_now() == "simplified" else text
    return "\n".join(poems.verses(text)) or text


def piece(name: str, training: str) -> str:
    """A token's name in the characters that the visitor chose; what cannot be seen as a sign."""
    if name == "\n":
        return "↵"
    if name == " ":
        return "␣"
    if re.fullmatch(r"<\w+>", name):
        return END
    return poems.simplified(name) if training == "poems" and script_now() == "simplified" else name


def glyphs(found: Desk) -> list[Glyph]:
    """The prompt and what was written, token by token."""
    start = given(found.text, found.training, spaced=not found.steps)
    return start + glyphs_of(found.steps, found.training, last=start[-1].text if start else "")


def given(text: str, training: str, *, spaced: bool = False) -> list[Glyph]:
    """A prompt as one piece without a colour: the end of a long one; none of an empty one.

    Args:
        spaced: whether spaces at its end are kept; a review's tokens bring their own.
    """
    read = typed(text, training)
    shown = shown_text(read[-SHOWN:], training)
    if training == "reviews" and not spaced:
        shown = shown.rstrip()
    return [Glyph("…" if len(read) > SHOWN else "", shown, None)] if shown else []


def typed(text: str, training: str) -> str:
    """A prompt as the model reads it."""
    shown = printable(text)
    return poems.traditional("".join(shown.split())) if training == "poems" else shown


def glyphs_of(steps: Sequence[Step], training: str, last: str = "") -> list[Glyph]:
    """Tokens with their numbers, behind a text that ends with `last`."""
    found: list[Glyph] = []
    for one in steps:
        before = one.before
        if last.endswith("\n") or last == "↵":
            before = "\n"
        elif training == "poems" and last[-1:] in tuple("。？！；"):
            before = "\n" + before
        letters = piece(one.letters, training)
        if letters == END:
            before = " "
        found.append(
            Glyph(
                before if found or last else "",
                letters,
                round(one.bits, 3),
                t(
                    "language_model.told",
                    bits=f"{one.bits:.1f}",
                    share=percent(one.probability),
                    rank=f"{one.rank:,}",
                ),
                tuple((piece(name, training), round(share, 4), percent(share)) for name, share in one.likely),
                one.chosen,
            )
        )
        last = letters
    return found


def desk_words() -> dict[str, str]:
    """The words of a coloured text."""
    return {name: t(f"language_model.written.{name}") for name in ("low", "high", "likely")}


def cut(vocabulary: Vocabulary, ids: Sequence[int], training: str) -> list[tuple[str, str]]:
    """(what stands before it, its letters) for each of the tokens; special ones by their name."""
    found, text = [], ""
    for end, id in enumerate(ids, 1):
        after = vocabulary.decode(ids[:end])
        new = after[len(text) :]
        letters = new.lstrip(" ") or new
        name = t("language_model.start") if vocabulary.is_special(id) else piece(letters, training)
        if vocabulary.is_special(id) and id == vocabulary.end:
            name = END
        found.append((new[: len(new) - len(letters)], name or "⁇"))
        text = after
    return found


# --- above the fold --------------------------------------------------------------------------------


@frame.fragment
def bench(framed: str) -> None:
    """Prompt, text, next token; it reruns alone, and the whole page once the text stands."""
    recall()
    choose()
    kind = kind_now()
    if kind == OWN and learned() is None:
        st.info(t("language_model.own.none"), icon=":material/school:")
        st.button(
            t("language_model.own.go"),
            key="language_own_go",
            icon=":material/arrow_downward:",
            on_click=open_tab,
            args=("teach",),
        )
    else:
        prompt_field(kind)
        try:
            found = desk()
        except GlassboxError as error:
            found = None
            st.error(sentence(error), icon=":material/error:")
        if found is not None:
            text, bars = st.columns([7, 5], gap="large")
            with text:
                page_of(found)
            with bars:
                choices(found)
            if found.running:
                _go_on(found)
                return
    if signature() != framed:
        st.rerun()


def choose() -> None:
    """Which model writes, and what."""
    kind = kind_now()
    with st.container(key="language_choose", horizontal=True, gap="medium", vertical_alignment="top"):
        st.segmented_control(
            t("language_model.kind"),
            kinds(),
            key="language_kind",
            format_func=lambda name: t(f"language_model.kind.{name}"),
            required=True,
            on_change=_changed_kind,
            width="content",
        )
        if kind != OWN:
            st.segmented_control(
                t("language_model.network"),
                networks(kind),
                key="language_network",
                format_func=lambda name: t(f"language_model.network.{name}"),
                required=True,
                on_change=state.keep,
                args=("language_network", "model"),
                width="content",
            )
            st.selectbox(
                t(f"language_model.form.{kind}"),
                FORMS[kind],
                key=f"language_form_{kind}",
                format_func=lambda name: t(f"language_model.form.{name}"),
                on_change=state.keep,
                args=(f"language_form_{kind}", "form"),
                width=210,
            )
        if kind == "poems":
            st.segmented_control(
                t("language_model.script"),
                SCRIPTS,
                key="language_script",
                format_func=lambda name: t(f"language_model.script.{name}"),
                required=True,
                on_change=state.keep,
                args=("language_script", "script"),
                width="content",
            )


def _changed_kind() -> None:
    state.keep("language_kind", "kind")
    state.to_url("form", None)
    state.to_url("text", None)


def prompt_field(kind: str) -> None:
    """The field and its examples."""
    with st.container(key="language_field", gap="xsmall"):
        text = writing(
            text_now(kind),
            key=f"language_writing_{kind}",
            label=t("language_model.field"),
            placeholder=t(f"language_model.placeholder.{kind}"),
            clear=t("sentiment.clear"),
            strong=True,
            lines=3,
        )
        write_text(kind, text)
        examples = prompts(kind)
        if examples:
            with st.container(key="language_examples", horizontal=True, gap="xsmall"):
                for place, one in enumerate(examples):
                    st.button(
                        shown_text(one["text"], kind) or t("language_model.nothing"),
                        key=f"language_example_{kind}_{place}",
                        help=t(f"language_model.form.{one['form']}"),
                        on_click=write_text,
                        args=(kind, one["text"], one["form"]),
                    )
    if len(text) > LONGEST_PROMPT:
        st.caption(t("language_model.long", most=f"{LONGEST_PROMPT:,}"))
    elif len(text) > LINK:
        st.caption(t("sentiment.link_without", count=f"{len(text):,}", most=LINK))


def page_of(found: Desk) -> None:
    """What stands there, and what can be done with it."""
    with st.container(key="language_page", gap="small"):
        written(
            glyphs(found),
            key=f"language_written_{found.training}",
            alt=t("language_model.written.alt"),
            words=desk_words()
            | {
                "hint": t("language_model.written.hint") if found.steps else t("language_model.written.empty")
            },
            lines=9 if found.training != "poems" else 6,
            large=found.training == "poems",
            cursor=not found.draft.over,
            legend=bool(found.steps),
            on_pick=lambda place: _back_to(found, place),
        )
        with st.container(key="language_acts", horizontal=True, gap="small"):
            over = found.draft.over
            st.button(
                t("language_model.next_token"),
                key="language_next",
                icon=":material/add:",
                disabled=over or found.running,
                on_click=found.draw,
            )
            st.button(
                t("language_model.stop" if found.running else "language_model.write"),
                key="language_write",
                icon=":material/stop:" if found.running else ":material/play_arrow:",
                type="primary",
                disabled=over,
                on_click=_start_or_stop,
                args=(found, 0 if found.running else MOST),
            )
            st.button(
                t("language_model.undo"),
                key="language_undo",
                icon=":material/undo:",
                disabled=not found.steps,
                on_click=lambda: found.back_to(len(found.steps) - 1),
            )
            st.button(
                t("language_model.anew"),
                key="language_anew",
                icon=":material/restart_alt:",
                disabled=not found.steps,
                on_click=found.back_to,
                args=(0,),
            )
        st.caption(status(found))


def _start_or_stop(found: Desk, left: int) -> None:
    found.left = left


def _back_to(found: Desk, place: int) -> None:
    """Goes back to before a token that was clicked."""
    given = len(glyphs(found)) - len(found.steps)
    found.back_to(max(0, place - given))


def status(found: Desk) -> str:
    """What was written, in numbers."""
    if not found.steps:
        return t("language_model.status.none")
    bits = sum(one.bits for one in found.steps) / len(found.steps)
    timed = [one.seconds for one in found.steps if one.seconds]
    words = t("language_model.status", count=len(found.steps), bits=f"{bits:.1f}")
    if timed:
        words += " · " + t("language_model.status.speed", value=f"{1000 * float(np.median(timed)):.1f}")
    if found.draft.over:
        words += " · " + t("language_model.status.over")
        if found.form and found.training == "poems":
            own = poems.kept(found.draft.text, found.form)
            words += " · " + t(
                "language_model.status.kept" if own.all else "language_model.status.broken",
                lines=", ".join(map(str, own.lines)),
            )
    return words


def choices(found: Desk) -> None:
    """The next token: bars and rules."""
    if found.draft.over:
        st.info(t("language_model.choices.over"), icon=":material/stop_circle:")
        return
    choice = found.choice()
    order, names = ordered(found, choice)
    seen = set(found.ids[-choice.sampling.penalty_window :])
    rules, allowed = choice.sampling, limits()
    with st.container(key="language_choices"):
        st.markdown(f"**{t('language_model.choices')}**")
        next_token(
            choice.scores[order],
            [int(id) for id in order[:NAMED]],
            names,
            [place for place, id in enumerate(order) if int(id) in seen],
            [
                Control(
                    name,
                    t(f"language_model.{name}"),
                    t(f"language_model.{name}.help"),
                    allowed[name].low,
                    allowed[name].high,
                    allowed[name].step,
                    float(getattr(rules, name)),
                    0 if name == "top_k" else 2,
                    t("language_model.off"),
                    OFF.get(name),
                )
                for name in CONTROLS
            ],
            key="language_next_token",
            alt=t("language_model.choices.alt"),
            words={
                name: t(f"language_model.choices.{name}")
                for name in ("kept", "rest", "out", "greedy", "model")
            },
            on_pick=lambda id: _pick(found, id),
            on_change=change,
        )


def ordered(found: Desk, choice: Choice) -> tuple[Any, list[str]]:
    """The tokens that may be written, the highest score first, and the names of the first of them."""
    allowed = np.flatnonzero(np.isfinite(choice.scores))
    order = allowed[np.argsort(-choice.scores[allowed], kind="stable")]
    vocabulary = found.model.vocabulary
    return order, [piece(name_of(vocabulary, int(id)), found.training) for id in order[:NAMED]]


def _pick(found: Desk, id: int) -> None:
    if not found.draft.over:
        found.left = 0
        found.take(id, chosen=True)


def _go_on(found: Desk) -> None:
    """Writes on, a few tokens at a time; any click only interrupts it for a moment."""
    for _ in range(AT_ONCE):
        if found.draft.over or not found.left:
            break
        found.draw()
        found.left -= 1
    if found.draft.over:
        found.left = 0
    again()


# --- the tabs --------------------------------------------------------------------------------------


def tabs() -> list[tuple[str, TabContainer]]:
    """Tabs of which only the open one is computed; the link and another language keep it open."""
    network = network_now() if kind_now() != OWN else NETWORKS[0]
    labels = {
        name: t(f"language_model.tab.{name}" if name != "inside" else f"language_model.tab.inside.{network}")
        for name in tab_names()
    }
    return lazy.tabs("language_tab", labels, f"_{network}")


def nothing() -> None:
    """What to do while no model writes."""
    st.caption(t("language_model.needs_text"))


def inside() -> DeltaGenerator:
    """The place of the tabs."""
    return st.container(key="language_inside")


def cards() -> None:
    """The model's card, in a line: its figures are those of its file."""
    model = model_of(kind_now(), network_now())
    if model is not None:
        st.caption(card(model))


def card(model: LanguageModel) -> str:
    """What a model is, and how well it foretells texts that it has not read."""
    figures = model.card.figures
    words = [
        f"**{t(f'language_model.network.{model.kind}')}**",
        t("language_model.card.parameters", count=f"{model.card.parameters:,}"),
        t("language_model.card.context", count=model.context)
        if model.context
        else t("language_model.card.all"),
    ]
    if "bits_per_character" in figures:
        words.append(
            t("language_model.card.bits_per_character", value=f"{figures['bits_per_character']:.2f}")
        )
    perplexity = figures.get("perplexity", figures.get(f"{model.training}_perplexity"))
    if perplexity is not None:
        words.append(t("language_model.card.perplexity", value=f"{perplexity:.1f}"))
    if model.card.source:
        words.append(
            t(
                "language_model.card.source",
                source=model.card.source,
                licence=model.card.licence,
                made_by=model.card.made_by,
            )
        )
    return " · ".join(words)


def open_tab(name: str) -> None:
    """Opens a tab in the run that follows; for a widget's callback."""
    lazy.open_tab("language_tab", name)


def remembered(kind: str, key: object, make: Any) -> Any:
    """What `make` gives, kept for the visit under a name; of each kind only the last few."""
    kept: dict[str, Any] = state.visit().kept.setdefault(f"language_found_{kind}", {})
    name = digest_of(repr(key))
    if name not in kept:
        kept[name] = make()
        while len(kept) > state.RECENT:
            del kept[next(iter(kept))]
    return kept[name]
