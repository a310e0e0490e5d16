"""The text that the visitor writes, what five networks think of it, and how three of them come to it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer
from streamlit.errors import StreamlitAPIException

from core import assets, language
from core.errors import GlassboxError
from core.language import calibration
from core.language.cleaning import LONGEST
from core.language.reading import Reading
from ui import cache, state, style
from ui import tabs as lazy
from ui.components.curve import Strand, curve
from ui.components.verdicts import Verdict, verdicts
from ui.components.writing import writing
from ui.words import percent, plain, t

MODELS = language.NAMES
CURVES = ("rnn", "gru", "transformer")  # they share one tokenizer, and so one axis
FIRST = "transformer"
SLOW, PATIENCE = "pretrained", 6_000  # characters of a text that it reads without being asked
LINK = 500  # characters of a text that go into a link
TABS = ("words", "inside", "space", "edit", "many", "fails")
TURNS = 3  # that are told of one network


@dataclass(frozen=True)
class Look:
    """The text as it is now, the network chosen, and which window of a long text is shown."""

    text: str
    digest: str
    model: str
    window: int

    def reading(self, model: str | None = None) -> Reading:
        """What happened inside a network while it read.

        Raises:
            GlassboxError: there is nothing to read in the text.
        """
        return cache.reading(model or self.model, self.digest, self.window, self.text)


def digest_of(text: str) -> str:
    """The name of a text in the caches."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- what is chosen --------------------------------------------------------------------------------


def examples() -> dict[str, str]:
    """The texts to begin with, by what they show, in the visitor's language."""
    found = assets.read_json("language", "examples.json")
    return {name: texts[state.texts_language()] for name, texts in found.items()}


def text_now() -> str:
    """The text: from the link, else as it was left, else the first example."""
    kept = state.visit().kept
    asked = state.from_url("text")
    if asked is not None:
        kept["sentiment_text"] = asked[:LINK]
    elif "sentiment_text" not in kept:
        kept["sentiment_text"] = next(iter(examples().values()))
    found: str = kept["sentiment_text"]
    return found


def write_text(text: str) -> None:
    """Makes `text` the one that is read; a short one goes into the link."""
    state.visit().kept["sentiment_text"] = text
    state.to_url("text", text if len(text) <= LINK else None)


def chosen_model() -> str:
    """The network that is looked into."""
    return state.remember("sentiment_model", FIRST, options=MODELS, url="model")


def choose_model(name: str) -> None:
    """Looks into another network in the run that follows; for a callback."""
    st.session_state["sentiment_model"] = name
    state.keep("sentiment_model", "model")


@contextmanager
def working() -> Iterator[None]:
    """Says that the networks read, if it takes them longer than half a second."""
    with st.spinner(t("sentiment.working"), show_time=True):
        yield


def again() -> None:
    """Draws the bench once more; where the whole page is being drawn, the whole page."""
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:
        st.rerun()


# --- above the fold --------------------------------------------------------------------------------


def field() -> str:
    """The field, its examples, and what there is to say of a very long text."""
    with st.container(key="sentiment_field", gap="xsmall"):
        text = writing(
            text_now(),
            key="sentiment_writing",
            label=t("sentiment.field"),
            placeholder=t("sentiment.placeholder"),
            clear=t("sentiment.clear"),
            strong=True,
            lines=4,
        )
        write_text(text)
        with st.container(key="sentiment_examples", horizontal=True, gap="xsmall"):
            for name, example in examples().items():
                st.button(
                    t(f"sentiment.example.{name}"),
                    key=f"sentiment_example_{name}",
                    help=quoted(example if len(example) < 90 else example[:88] + "…"),
                    on_click=write_text,
                    args=(example,),
                )
    if len(text) > LINK:
        st.caption(t("sentiment.link_without", count=f"{len(text):,}", most=LINK))
    return text


def looked(text: str, model: str) -> Look | None:
    """What is shown of the text; None while there is none."""
    if not text.strip():
        return None
    digest = digest_of(text)
    window = state.visit().kept.get("sentiment_window", {}).get((digest, model), 0)
    return Look(text, digest, model, window)


def inner(look: Look) -> Look:
    """What is shown inside the chosen network: of a long text in the slow one only the beginning."""
    if look.model != SLOW or len(look.text) <= PATIENCE:
        return look
    text = look.text[:PATIENCE]
    return replace(look, text=text, digest=digest_of(text))


def empty() -> None:
    """What to do while there is no text."""
    st.info(t("sentiment.empty"), icon=":material/edit:")


def answer(look: Look) -> None:
    """All networks' verdicts side by side; a click looks into one. A long text is read by the slow one if asked."""
    waits = len(look.text) > PATIENCE and look.digest != state.visit().kept.get("sentiment_patient")
    models = tuple(name for name in MODELS if not (waits and name == SLOW))
    found, seconds = cache.text_verdicts(models, look.digest, look.text)
    if all(isinstance(one, GlassboxError) for one in found.values()):
        raise next(one for one in found.values() if isinstance(one, GlassboxError))
    pinned = pinned_text()
    before = {} if pinned in (None, look.text) else verdicts_of(pinned or "")
    with st.container(key="sentiment_answer", gap="xsmall"):
        verdicts(
            [
                verdict(name, number(found[name]), before.get(name))
                if name in found
                else Verdict(name, t(f"sentiment.name.{name}"), t("sentiment.unasked"), None, "")
                for name in MODELS
            ],
            key="sentiment_verdicts",
            alt=t("sentiment.verdicts.alt"),
            band=calibration.NEITHER,
            words={**sides(), "before": t("sentiment.edit.before")},
            selected=look.model,
            on_pick=choose_model,
        )
        st.caption(
            t("sentiment.engine", count=len(models), value=f"{seconds * 1000:.0f}")
            + (t("sentiment.engine.before") if before else "")
        )
        if waits:
            st.button(
                t("sentiment.ask_slow", name=t(f"sentiment.name.{SLOW}")),
                key="sentiment_ask_slow",
                help=t("sentiment.ask_slow.help"),
                on_click=lambda: state.visit().kept.update(sentiment_patient=look.digest),
            )


def verdicts_of(text: str) -> dict[str, float | None]:
    """The probability of "positive" by each network; None where one cannot read the text, or not quickly."""
    models = tuple(name for name in MODELS if len(text) <= PATIENCE or name != SLOW)
    found, _ = cache.text_verdicts(models, digest_of(text), text)
    return {name: number(found[name]) if name in found else None for name in MODELS}


def number(found: float | GlassboxError) -> float | None:
    """The probability, or None where there is a reason why not."""
    return None if isinstance(found, GlassboxError) else found


def pinned_text() -> str | None:
    """The first version, if one was pinned."""
    found: str | None = state.visit().kept.get("sentiment_pinned")
    return found


def verdict(name: str, positive: float | None, before: float | None = None) -> Verdict:
    """One network's answer in words; None is one that cannot read the text."""
    if positive is None:
        return Verdict(name, t(f"sentiment.name.{name}"), t("sentiment.unread"), None, "", before)
    side = calibration.verdict(positive)
    share = percent(max(positive, 1 - positive), 0)
    return Verdict(name, t(f"sentiment.name.{name}"), t(f"sentiment.{side}"), positive, share, before)


def sides() -> dict[str, str]:
    """What the two sides and the middle are called."""
    return {side: t(f"sentiment.{side}") for side in ("negative", "neither", "positive")}


@dataclass(frozen=True)
class Along:
    """The running probability of one network over the tokens of an axis."""

    positive: tuple[float | None, ...]
    starts: tuple[int, ...]  # where one of its windows begins anew, but the first
    turns: tuple[int, ...]


def axis(look: Look) -> Reading:
    """The window of a long text over which the curves run: of the network that reads most at once."""
    widest = look.reading(FIRST) if look.model == FIRST else replace(look, window=0).reading(FIRST)
    if look.model == FIRST or widest.windows == 1:
        return widest
    start = inner(look).reading().tokens[0].start  # where the window that is shown inside begins
    window = min(start * widest.windows // max(len(look.text), 1), widest.windows - 1)
    return replace(look, window=window).reading(FIRST)


def along(look: Look, name: str, shared: Reading) -> Along:
    """A network's running probability over the tokens of the axis, through as many of its windows as it takes."""
    places = {token.start: place for place, token in enumerate(shared.tokens)}
    positive: list[float | None] = [None] * len(shared.tokens)
    starts, turned = [], []
    first = replace(look, window=0).reading(name)
    begin, end = shared.tokens[0].start, shared.tokens[-1].start
    for window in windows_between(first, shared):
        found = replace(look, window=window).reading(name)
        for at, token in enumerate(found.tokens):
            if begin <= token.start <= end and token.start in places:
                positive[places[token.start]] = float(found.running[at])
        starts += [places[found.tokens[0].start]] if found.tokens[0].start in places else []
        inside = turns([float(p) for p in found.running])
        turned += [places[found.tokens[at].start] for at in inside if found.tokens[at].start in places]
    return Along(tuple(positive), tuple(at for at in starts if at), tuple(turned[-TURNS:]))


def windows_between(first: Reading, shared: Reading) -> range:
    """Which windows of a network hold tokens of the axis; both count the same tokens."""
    sizes = [len(part) for part in windows_of(first.total, first.windows)]
    before = sum(len(part) for part in windows_of(shared.total, shared.windows)[: shared.window])
    ends = list(itertools.accumulate(sizes))
    low = next(place for place, end in enumerate(ends) if end > before)
    high = next(place for place, end in enumerate(ends) if end >= before + len(shared.tokens))
    return range(low, high + 1)


def windows_of(total: int, count: int) -> list[range]:
    """The tokens of each window: as equal as can be, the first ones the longer."""
    size, more = divmod(total, count)
    ends = list(itertools.accumulate(size + (place < more) for place in range(count)))
    return [range(end - size - (place < more), end) for place, end in enumerate(ends)]


def running(look: Look) -> None:
    """The probability after each token, three networks together; where one turns is marked."""
    shared = axis(look)
    found = {name: along(look, name, shared) for name in CURVES}
    strands = [
        Strand(
            name=t(f"sentiment.name.{name}"),
            colour=colour,
            dash=dash,
            values=tuple(None if p is None else round(p, 4) for p in found[name].positive),
            told=tuple("" if p is None else percent(p, 0) for p in found[name].positive),
            last=percent(next((p for p in found[name].positive[::-1] if p is not None), 0.5), 0),
            turns=found[name].turns,
            starts=found[name].starts,
            strong=name == look.model,
        )
        for name, colour, dash in zip(CURVES, style.third(), ("", "7 4", "2 4"), strict=True)
    ]
    letters = shown(shared)
    with st.container(key="sentiment_curve", gap="xsmall"):
        curve(
            letters,
            strands,
            key="sentiment_running",
            alt=t("sentiment.running.alt", count=len(letters)),
            words={
                "positive": t("sentiment.positive"),
                "negative": t("sentiment.negative"),
                "turn": t("sentiment.turn"),
            },
            band=calibration.NEITHER,
            height=190,
        )
        told = [_turn(name, each, letters) for name, each in found.items() if each.turns]
        st.caption(" ".join(told) if told else t("sentiment.turns.none"))
        if any(each.starts for each in found.values()):
            short = [t(f"sentiment.name.{name}") for name, each in found.items() if each.starts]
            st.caption(t("sentiment.starts", names=", ".join(short)))


def _turn(name: str, found: Along, letters: list[str]) -> str:
    at = found.turns[-1]
    return t(
        "sentiment.turns",
        name=t(f"sentiment.name.{name}"),
        token=plain(letters[at]),
        before=percent(found.positive[at - 1] or 0.0, 0),
        after=percent(found.positive[at] or 0.0, 0),
    )


def turns(positive: Sequence[float]) -> tuple[int, ...]:
    """The places at which a network changes its mind: from one side to the other, however long it is
    undecided in between. Of many the last ones."""
    found: list[int] = []
    last = ""
    for place, share in enumerate(positive):
        side = calibration.verdict(share)
        if side == "neither":
            continue
        if last and side != last:
            found.append(place)
        last = side
    return tuple(found[-TURNS:])


# --- the text as it was typed ----------------------------------------------------------------------


def shown(reading: Reading) -> list[str]:
    """The tokens in the visitor's own letters."""
    return [reading.text[token.start : token.end].strip() or token.piece for token in reading.tokens]


def cut(reading: Reading) -> list[tuple[str, str]]:
    """(what stands before it, its letters) for each token; control characters are left out."""
    found = []
    end = reading.tokens[0].start if reading.tokens else 0
    for token in reading.tokens:
        letters = reading.text[token.start : token.end] if token.end > token.start else token.piece
        found.append((printable(reading.text[end : token.start]), printable(letters)))
        end = max(end, token.end)
    return found


def printable(text: str) -> str:
    """The text without what would turn the writing around or show nothing."""
    return "".join(
        letter if letter in "\n\t\u200d" or letter.isprintable() or letter.isspace() else ""
        for letter in text
    )


def quoted(text: str) -> str:
    """The same in the visitor's quotation marks."""
    return t("sentiment.quoted", text=plain(text))


def windows(look: Look) -> None:
    """What there is to say of a long text, and which of its windows is shown."""
    if len(look.text) > LONGEST:
        st.warning(t("sentiment.truncated", most=f"{LONGEST:,}"), icon=":material/content_cut:")
    shown_inside = inner(look)
    if shown_inside is not look:
        st.caption(t("sentiment.beginning", name=t(f"sentiment.name.{look.model}"), most=f"{PATIENCE:,}"))
    reading = shown_inside.reading()
    if reading.windows == 1:
        return
    key = f"sentiment_window_{look.model}"
    chosen: dict[tuple[str, str], int] = state.visit().kept.setdefault("sentiment_window", {})
    while len(chosen) > state.RECENT:
        del chosen[next(iter(chosen))]
    st.session_state[key] = reading.window

    def moved() -> None:
        chosen[look.digest, look.model] = st.session_state[key]

    words, slider = st.columns([3, 2], vertical_alignment="center")
    words.caption(
        t(
            "sentiment.windows",
            total=f"{reading.total:,}",
            length=len(reading.tokens),
            windows=reading.windows,
            name=t(f"sentiment.name.{look.model}"),
        )
    )
    slider.select_slider(
        t("sentiment.window"),
        list(range(reading.windows)),
        key=key,
        format_func=lambda place: t("sentiment.window.name", place=place + 1, windows=reading.windows),
        on_change=moved,
    )


# --- looking into one network ----------------------------------------------------------------------


def control() -> None:
    """Which network is looked into."""
    st.segmented_control(
        t("sentiment.model"),
        MODELS,
        key="sentiment_model",
        format_func=lambda name: t(f"sentiment.name.{name}"),
        required=True,
        on_change=state.keep,
        args=("sentiment_model", "model"),
        wrap=True,
    )


def tabs(model: str) -> list[tuple[str, TabContainer]]:
    """Tabs of which only the open one is computed; the link and another language keep it open."""
    labels = {name: t(f"sentiment.tab.{name}") for name in TABS if name != "inside"}
    labels = {name: labels.get(name) or t(f"sentiment.tab.inside.{model}") for name in TABS}
    return lazy.tabs("sentiment_tab", labels, f"_{model}")
