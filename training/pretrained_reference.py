"""Writes what the tests hold our rebuilding of MiniLM against: numbers out of the `transformers` library.

    python -m training.pretrained_reference                     # tests/pretrained_reference.npz
    python -m training.pretrained_reference --minilm FOLDER     # and compare with MiniLM's own weights

Needs `torch` and `transformers`, which nothing else here does. The reference is a BERT of MiniLM's sizes with
random weights that a test can draw again from their seed: the original's 90 MB need not be there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SEED, TEXTS, TOKENS = 7, 2, 11
SIZES = (6, 384, 1536, 512)  # layers, width, inner, positions
FILE = Path(__file__).resolve().parent.parent / "tests" / "pretrained_reference.npz"


def random_weights() -> dict[str, np.ndarray]:
    """Weights under our names, drawn in a fixed order; larger than BERT's own, so that a mistake shows."""
    layers, width, inner, positions = SIZES
    random = np.random.default_rng(SEED)
    shapes: dict[str, tuple[int, ...]] = {
        "positions/embeddings": (positions, width),
        "norm/gamma": (width,),
        "norm/beta": (width,),
    }
    for layer in range(layers):
        shapes |= {f"qkv{layer}/kernel": (width, 3 * width), f"qkv{layer}/bias": (3 * width,)}
        shapes |= {f"output{layer}/kernel": (width, width), f"output{layer}/bias": (width,)}
        shapes |= {f"norm_a{layer}/gamma": (width,), f"norm_a{layer}/beta": (width,)}
        shapes |= {f"inner{layer}/kernel": (width, inner), f"inner{layer}/bias": (inner,)}
        shapes |= {f"outer{layer}/kernel": (inner, width), f"outer{layer}/bias": (width,)}
        shapes |= {f"norm_b{layer}/gamma": (width,), f"norm_b{layer}/beta": (width,)}
    return {
        name: (random.normal(0, 0.08, shape) + name.endswith("gamma")).astype(np.float32)
        for name, shape in shapes.items()
    }


def random_words() -> tuple[np.ndarray, np.ndarray]:
    """Word vectors (n, T, 384) and a mask (n, T) that hides the end of the second text."""
    words = np.random.default_rng(SEED + 1).normal(0, 0.5, (TEXTS, TOKENS, SIZES[1])).astype(np.float32)
    mask = np.ones((TEXTS, TOKENS), np.float32)
    mask[1, 7:] = 0
    return words, mask


def reference(weights: dict[str, np.ndarray], words: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    """What `transformers.BertModel` makes of the same: the vectors after each layer, attention, their mean."""
    import torch
    from transformers import BertConfig, BertModel

    layers, width, inner, positions = SIZES
    config = BertConfig(
        vocab_size=10,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=12,
        intermediate_size=inner,
        max_position_embeddings=positions,
        layer_norm_eps=1e-12,
        attn_implementation="eager",
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    state = {
        "embeddings.word_embeddings.weight": np.zeros((10, width)),
        "embeddings.token_type_embeddings.weight": np.zeros((2, width)),
        "embeddings.position_embeddings.weight": weights["positions/embeddings"],
        "embeddings.LayerNorm.weight": weights["norm/gamma"],
        "embeddings.LayerNorm.bias": weights["norm/beta"],
    }
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        kernels = np.split(weights[f"qkv{layer}/kernel"], 3, axis=1)
        biases = np.split(weights[f"qkv{layer}/bias"], 3)
        for part, kernel, bias in zip(("query", "key", "value"), kernels, biases, strict=True):
            state[f"{prefix}attention.self.{part}.weight"] = kernel.T
            state[f"{prefix}attention.self.{part}.bias"] = bias
        for ours, theirs in (("output", "attention.output"), ("inner", "intermediate"), ("outer", "output")):
            state[f"{prefix}{theirs}.dense.weight"] = weights[f"{ours}{layer}/kernel"].T
            state[f"{prefix}{theirs}.dense.bias"] = weights[f"{ours}{layer}/bias"]
        for ours, theirs in (("norm_a", "attention.output"), ("norm_b", "output")):
            state[f"{prefix}{theirs}.LayerNorm.weight"] = weights[f"{ours}{layer}/gamma"]
            state[f"{prefix}{theirs}.LayerNorm.bias"] = weights[f"{ours}{layer}/beta"]
    missing = model.load_state_dict({key: torch.tensor(value) for key, value in state.items()}, strict=False)
    assert not missing.unexpected_keys, missing
    with torch.no_grad():
        found = model(
            inputs_embeds=torch.tensor(words),
            attention_mask=torch.tensor(mask),
            output_hidden_states=True,
            output_attentions=True,
        )
    last = found.last_hidden_state.numpy()
    return {
        "pooled": (last * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True),
        "layers": np.stack([vectors[0, -1].numpy() for vectors in found.hidden_states]),  # (1 + layers, 384)
        "attention": np.stack([part[0, :, -1].numpy() for part in found.attentions]),  # (layers, heads, T)
    }


def compare(folder: Path) -> float:
    """The largest difference between MiniLM's sentence vectors as `transformers` and as our pass has them."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from training.pretrained import body, read_safetensors
    from training.pretrained import original as rebuilt

    sentences = ["A quiet film that stays with you.", "The room was cold, and nobody cared!"]
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    arrays = read_safetensors(folder / "model.safetensors")
    worst = 0.0
    for sentence in sentences:
        batch = tokenizer(sentence, return_tensors="pt", padding=False)
        with torch.no_grad():
            theirs = model(**batch).last_hidden_state.mean(dim=1).numpy()
        ids = batch["input_ids"].numpy().astype(np.int32)
        ours = rebuilt(arrays, body(arrays)).pooled(ids, np.ones(ids.shape, np.float32))
        worst = max(worst, float(np.abs(ours - theirs).max()))
    return worst


def main() -> None:
    """Write the file; compare if told to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minilm", type=Path, help="folder with model.safetensors, config.json, tokenizer.json"
    )
    options = parser.parse_args()
    np.savez_compressed(FILE, **reference(random_weights(), *random_words()))
    if options.minilm:
        print(f"largest difference from the original: {compare(options.minilm):.2e}")


if __name__ == "__main__":
    main()
