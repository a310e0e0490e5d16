"""The arithmetic of a unit and of an attention head is the network's, also by Keras's own account."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from core.errors import GlassboxError
from core.language import arithmetic
from core.language.reading import part_of
from core.language.types import Inside
from tests import tiny_texts

TEXT = "This film is not good, but I love it. 我不喜欢电影 👍"


def test_products_list_the_largest_and_add_up_the_rest() -> None:
    found = arithmetic.products(np.array([1, -4, 2, 0.5], np.float32), np.array([1, 1, 1, 2], np.float32), 2)
    assert [(term.index, term.product) for term in found.terms] == [(1, -4), (2, 2)]
    assert (found.rest, found.others, found.total) == (2, 2, 0)


@pytest.mark.parametrize("name", ["rnn", "gru"])
def test_every_unit_at_every_step_is_recomputed(name: str) -> None:
    model = tiny_texts.recurrent(name)
    states = model.inside(part_of(model, TEXT).ids).states["hidden"]
    for step in range(len(states)):
        for unit in range(states.shape[1]):
            found = arithmetic.recurrent(model, TEXT, step, unit)
            assert found.network == states[step, unit]
            assert found.agrees and found.difference < 1e-5
            assert found.token == part_of(model, TEXT).tokens[step]
            assert found.previous == (states[step - 1, unit] if step else 0)
            assert [gate.name for gate in found.gates] == (
                ["hidden"] if name == "rnn" else ["update", "reset", "candidate"]
            )


@pytest.mark.parametrize("name", ["rnn", "gru"])
def test_keras_computes_the_same_state(name: str) -> None:
    import keras

    model = tiny_texts.recurrent(name)
    inside = model.inside(part_of(model, TEXT).ids)
    layer: Any = model.network().get_layer(name)
    config = {**layer.get_config(), "return_sequences": True, "name": "all_steps"}
    config.pop("dtype", None)
    every = type(layer)(**config)
    words = inside.embeddings[np.newaxis]
    every.build(words.shape)
    every.set_weights(layer.get_weights())
    states = keras.ops.convert_to_numpy(every(words))[0]
    for step in (0, 1, len(states) - 1):
        for unit in range(states.shape[1]):
            found = arithmetic.recurrent(model, TEXT, step, unit)
            assert found.value == pytest.approx(float(states[step, unit]), abs=1e-4)


def test_one_unit_on_paper() -> None:
    """h_1 = tanh(0.5 * 2 + 0.1) and h_2 = tanh(0.5 * -1 - 0.8 h_1 + 0.1)."""
    weights = {
        "embedding": np.zeros((tiny_texts.tokenizer().size, 1), np.float32),
        "rnn/kernel": np.array([[0.5]], np.float32),
        "rnn/recurrent_kernel": np.array([[-0.8]], np.float32),
        "rnn/bias": np.array([0.1], np.float32),
        "dense/kernel": np.array([[-1, 1]], np.float32),
        "dense/bias": np.zeros(2, np.float32),
    }
    good, film = (token.id for token in tiny_texts.tokenizer().encode("good film"))
    weights["embedding"][[good, film]] = [[2], [-1]]
    model = tiny_texts.TinyRecurrent("rnn", weights, tiny_texts.card("rnn", 9, weights), 1.0)
    first = math.tanh(1.1)
    found = arithmetic.recurrent(model, "good film", 1, 0)
    [gate] = found.gates
    assert gate.before == pytest.approx(-0.5 - 0.8 * first + 0.1, abs=1e-6)
    assert found.value == pytest.approx(math.tanh(-0.4 - 0.8 * first), abs=1e-6)
    assert gate.from_input.terms[0].product == pytest.approx(-0.5)
    assert gate.from_state.terms[0].value == pytest.approx(first, abs=1e-6)
    assert gate.bias == pytest.approx(0.1) and gate.state_bias == 0 and gate.factor == 1


def test_a_gru_is_put_together_from_its_gates() -> None:
    found = arithmetic.recurrent(tiny_texts.recurrent("gru"), TEXT, 4, 2)
    update, reset, candidate = found.gates
    assert found.value == pytest.approx(
        update.value * found.previous + (1 - update.value) * candidate.value, abs=1e-12
    )
    assert candidate.factor == reset.value and 0 < reset.value < 1
    before = candidate.from_input.total + candidate.bias
    before += reset.value * (candidate.from_state.total + candidate.state_bias)
    assert candidate.value == pytest.approx(math.tanh(before))
    assert update.activation == reset.activation == "sigmoid" and candidate.activation == "tanh"


def test_a_network_that_says_something_else_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_texts.recurrent("rnn")
    inside = model.inside(part_of(model, TEXT).ids)
    wrong = inside.states["hidden"].copy()
    wrong[3, 1] += 2e-4
    lie = Inside(inside.logits, inside.embeddings, {"hidden": wrong})
    monkeypatch.setattr(type(model), "inside", lambda self, ids: lie)
    assert not arithmetic.recurrent(model, TEXT, 3, 1).agrees
    assert arithmetic.recurrent(model, TEXT, 3, 0).agrees


def test_every_row_of_every_head_is_recomputed() -> None:
    model = tiny_texts.transformer()
    inside = model.inside(part_of(model, TEXT).ids)
    assert inside.attention is not None and inside.values is not None
    layers, heads, tokens = inside.attention.shape[:3]
    for layer in range(layers):
        for head in range(heads):
            for token in range(tokens):
                found = arithmetic.attention(model, TEXT, layer, head, token)
                np.testing.assert_array_equal(found.network, inside.attention[layer, head, token])
                assert found.agrees and found.difference < 1e-5
                assert found.weights.sum() == pytest.approx(1, abs=1e-5)
                output = found.weights @ inside.values[layer, head]
                np.testing.assert_allclose(found.output, output, atol=1e-5)


def test_keras_computes_the_same_attention() -> None:
    """Queries and keys out of the twin's own layers, scores and softmax by Keras."""
    import keras

    model = tiny_texts.transformer()
    network = model.network()
    words = model.inside(part_of(model, TEXT).ids).embeddings[np.newaxis]
    for layer in (0, 1):
        names = [f"layer{layer + 1}.{part}" for part in ("query", "key")]
        part = keras.Model(network.inputs, [network.get_layer(name).output for name in names])
        query, key = (
            keras.ops.transpose(keras.ops.reshape(x[0], (-1, 4, 2)), (1, 0, 2))  # (heads, T, 2)
            for x in part([words, np.ones(words.shape[:2], np.float32)])
        )
        scores = keras.ops.matmul(query, keras.ops.transpose(key, (0, 2, 1))) / math.sqrt(2)
        weights = keras.ops.convert_to_numpy(keras.ops.softmax(scores))  # (heads, T, T)
        for head in range(4):
            for token in (0, 5):
                found = arithmetic.attention(model, TEXT, layer, head, token)
                np.testing.assert_allclose(found.weights, weights[head, token], atol=1e-4)


def test_attention_on_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Query (2, 0) and keys (1, 0), (0, 5), two wide: dots 2 and 0, divided by the root of 2."""
    model = tiny_texts.transformer()
    vectors = {
        "queries": np.array([[[[2, 0], [0, 0]]]], np.float32),
        "keys": np.array([[[[1, 0], [0, 5]]]], np.float32),
        "values": np.array([[[[1, 1], [3, -1]]]], np.float32),
        "attention": np.full((1, 1, 2, 2), 0.5, np.float32),
    }
    monkeypatch.setattr(
        type(model), "inside", lambda self, ids: Inside(np.zeros(2), np.zeros((2, 8)), **vectors)
    )
    found = arithmetic.attention(model, "good film", 0, 0, 0)
    share = 1 / (1 + math.exp(-math.sqrt(2)))
    np.testing.assert_allclose(found.dots, [2, 0])
    np.testing.assert_allclose(found.scores, [math.sqrt(2), 0], atol=1e-6)
    np.testing.assert_allclose(found.weights, [share, 1 - share], atol=1e-6)
    np.testing.assert_allclose(found.output, [share + 3 * (1 - share), share - (1 - share)], atol=1e-6)
    assert not found.agrees  # this network says a half each
    assert [term.product for term in found.dot(0).terms] == [2, 0]
    assert found.dot(0).total == 2


def test_what_is_not_there_cannot_be_told() -> None:
    rnn, transformer = tiny_texts.recurrent("rnn"), tiny_texts.transformer()
    with pytest.raises(KeyError):
        arithmetic.recurrent(transformer, TEXT, 0, 0)
    with pytest.raises(KeyError):
        arithmetic.attention(rnn, TEXT, 0, 0, 0)
    for step, unit in ((-1, 0), (99, 0), (0, 5)):
        with pytest.raises(IndexError):
            arithmetic.recurrent(rnn, TEXT, step, unit)
    for layer, head, token in ((2, 0, 0), (0, 4, 0), (0, 0, 99), (0, 0, -1)):
        with pytest.raises(IndexError):
            arithmetic.attention(transformer, TEXT, layer, head, token)
    with pytest.raises(GlassboxError):
        arithmetic.recurrent(rnn, " ", 0, 0)
