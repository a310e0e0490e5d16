"""A visitor's data set: what is read, what is left out and said, and which copies stay together."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageEnhance

from core import i18n
from core.errors import GlassboxError
from core.imaging.samples import samples
from core.tuning import builtin, classes, editing, image_dataset, likeness, review, splits, text_dataset
from core.tuning.archive import LARGEST_UNPACKED, Archive
from core.tuning.images import (
    LARGEST_BYTES,
    MOST,
    NAMED,
    image_dataset_steps,
    picture,
    pixels,
    thumbnail,
)
from core.tuning.shipped import BUILTIN, label_key
from core.tuning.types import Dataset, Example, Progress
from tests import hostile_zip
from tests.hostile_zip import folders, packed, raw

ROOT = Path(__file__).resolve().parent.parent


def keys(dataset: Dataset) -> Counter[str]:
    return Counter(problem.key for problem in dataset.problems)


def told(dataset: Dataset) -> None:
    """Everything that is said of the data set can be said in both languages."""
    for problem in dataset.problems:
        for language in i18n.LANGUAGES:
            assert i18n.text(language, problem.key, **problem.values)


def holds(dataset: Dataset) -> None:
    """What is true of every data set."""
    told(dataset)
    digests = [example.digest for example in dataset.examples]
    assert len(set(digests)) == len(digests)
    assert len(set(dataset.labels)) == len(dataset.labels)
    assert all(0 <= example.label < len(dataset.labels) for example in dataset.examples)
    for label in dataset.labels:
        assert len(label) <= classes.LONGEST + 4
        assert all(letter.isprintable() or letter in classes.JOINERS for letter in label)
    near = likeness.near_texts if dataset.kind == "texts" else likeness.near_pictures
    for one, other in near(dataset.examples):
        assert dataset.examples[one].split == dataset.examples[other].split
    for example in dataset.examples:
        assert bool(example.image) != bool(example.text)
        assert len(example.image) <= LARGEST_BYTES


def names(dataset: Dataset) -> list[str]:
    return [f"{dataset.labels[example.label]}:{example.name}" for example in dataset.examples]


# --- what is in a zip file ------------------------------------------------------------------------------


def test_one_folder_a_class() -> None:
    dataset = image_dataset(packed(folders({"dog": 5, "cat": 10})))
    holds(dataset)
    assert (dataset.kind, dataset.labels) == ("images", ("cat", "dog"))
    assert review.counts(dataset) == ((8, 2), (4, 1))
    assert not dataset.held_out
    first = dataset.examples[0]
    assert (first.name, first.size, first.grey) == ("cat/0.jpg", (48, 40), False)
    assert first.digest == hashlib.sha256(first.image).hexdigest()[:16]


@pytest.mark.parametrize("around", ["animals/", "my data/animals/", "./", "my pictures\\"])
def test_folders_around_all_classes_do_not_matter(around: str) -> None:
    members = [*folders({"cat": 2, "dog": 2}, around), ("README", b"x"), (around + "LICENSE", b"y")]
    dataset = image_dataset(packed(members))
    assert dataset.labels == ("cat", "dog")
    assert keys(dataset)["tuning_data.left_out.not_picture"] == 2


def test_what_computers_leave_behind_is_not_even_mentioned() -> None:
    litter = ["__MACOSX/cat/._0.jpg", "cat/.DS_Store", "cat/Thumbs.db", "dog/desktop.ini", "dog/._1.jpg"]
    dataset = image_dataset(packed([*folders({"cat": 2, "dog": 2}), *((name, b"x") for name in litter)]))
    assert dataset.labels == ("cat", "dog")
    assert not any(problem.name for problem in dataset.problems)


@pytest.mark.parametrize("testing", ["test", "val", "Validation", "测试集"])
def test_a_given_split_is_kept(testing: str) -> None:
    members = folders({"cat": 3, "dog": 3}, "data/Train/") + folders(
        {"cat": 2, "dog": 4}, f"data/{testing}/", 50
    )
    dataset = image_dataset(packed(members))
    holds(dataset)
    assert dataset.labels == ("cat", "dog")
    assert review.counts(dataset) == ((3, 2), (3, 4))
    assert dataset.held_out
    assert not review.split(dataset).held_out


def test_a_copy_across_a_given_split_is_found() -> None:
    copy = Pillow.open(io.BytesIO(hostile_zip.picture(0))).resize((96, 80), Pillow.Resampling.BICUBIC)
    file = io.BytesIO()
    copy.save(file, "PNG")
    members = folders({"cat": 3, "dog": 3}, "train/") + folders({"cat": 2, "dog": 2}, "test/", 50)
    dataset = image_dataset(packed([*members, ("test/cat/copy.png", file.getvalue())]))
    holds(dataset)
    assert review.counts(dataset) == ((4, 2), (3, 2))
    (moved,) = (problem for problem in dataset.problems if problem.key == "tuning_data.upload.moved")
    (example,) = (example for example in dataset.examples if example.digest in moved.digests)
    assert (example.name, example.split) == ("test/cat/copy.png", "train")


def test_one_class_and_one_picture_a_class_are_data_sets_that_cannot_be_tuned_on() -> None:
    one = image_dataset(packed(folders({"cat": 4})))
    assert "tuning_data.note.one_class.images" in keys(one)
    with pytest.raises(GlassboxError) as caught:
        review.check(one)
    assert caught.value.key == "tuning_data.check.one_class.images"
    single = image_dataset(packed(folders({"cat": 1, "dog": 1})))
    holds(single)
    assert keys(single)["tuning_data.note.too_small.images"] == 2
    with pytest.raises(GlassboxError) as caught:
        review.check(single)
    assert caught.value.key == "tuning_data.check.small.images"
    review.check(image_dataset(packed(folders({"cat": 2, "dog": 2}))))


def test_pictures_are_small_upright_and_of_our_own_making() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "a secret of the visitor"
    file = io.BytesIO()
    Pillow.open(io.BytesIO(hostile_zip.picture(1, size=(900, 600)))).save(file, "JPEG", exif=exif)
    example = picture(file.getvalue())
    assert example.size == (600, 900)
    assert pixels(example).shape == (384, 256, 3)
    assert b"secret" not in example.image
    square = Pillow.open(io.BytesIO(thumbnail(example)))
    assert square.size == (96, 96)
    assert len(thumbnail(example)) < 6000


def test_noise_and_panoramas_stay_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 1500, 3), np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(noise).save(file, "PNG")
    example = picture(file.getvalue())
    assert len(example.image) <= LARGEST_BYTES
    assert pixels(example).shape == (256, 640, 3)


def test_it_tells_how_far_it_is() -> None:
    steps = list(image_dataset_steps(packed(folders({"cat": 3, "dog": 3}))))
    assert isinstance(steps[-1], Dataset)
    progress = [step for step in steps[:-1] if isinstance(step, Progress)]
    assert len(progress) == len(steps) - 1
    reading = [step for step in progress if step.stage == "tuning_data.stage.reading"]
    assert [(step.done, step.of) for step in reading] == [(n, 6) for n in range(1, 7)]
    assert all(step.stage in i18n.catalogue("en") for step in progress)


def test_more_than_enough_pictures_are_taken_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.tuning.images.MOST", 12)
    data = packed(folders({"few": 3, "many": 20, "more": 9}))
    dataset = image_dataset(data)
    sizes = Counter(dataset.labels[example.label] for example in dataset.examples)
    assert (sizes["few"], sizes["many"] + sizes["more"], abs(sizes["many"] - sizes["more"])) == (3, 9, 1)
    assert keys(dataset)["tuning_data.upload.sampled"] == 1
    assert names(dataset) == names(image_dataset(data))
    assert names(dataset) != names(image_dataset(data, seed=1))


def test_many_problems_of_a_kind_are_summed_up() -> None:
    broken = [(f"cat/broken {n}.jpg", b"words") for n in range(NAMED + 30)]
    dataset = image_dataset(packed([*folders({"cat": 2, "dog": 2}), *broken]))
    assert keys(dataset)["error.image.format"] == NAMED
    (more,) = (problem for problem in dataset.problems if problem.key == "tuning_data.left_out.more")
    assert more.values == {"count": 30}


def test_a_class_without_a_usable_picture_is_left_out() -> None:
    dataset = image_dataset(packed([*folders({"b": 2, "c": 2}), ("a/0.jpg", b"words")]))
    assert dataset.labels == ("b", "c")
    assert names(dataset) == ["b:b/0.jpg", "b:b/1.jpg", "c:c/0.jpg", "c:c/1.jpg"]
    assert keys(dataset)["tuning_data.upload.no_picture"] == 1


# --- names of classes -----------------------------------------------------------------------------------


def test_names_in_the_encodings_of_other_programs() -> None:
    pair = [("猫/照片.jpg", 0), ("猫/二.jpg", 1), ("狗/三.jpg", 2), ("狗/四.jpg", 3)]
    for encoding in ("gbk", "utf-8"):
        data = raw([(name.encode(encoding), hostile_zip.picture(seed)) for name, seed in pair])
        dataset = image_dataset(data)
        assert set(dataset.labels) == {"猫", "狗"}, encoding
        assert "猫/照片.jpg" in {example.name for example in dataset.examples}
    western = raw([("café/é.jpg".encode("cp437"), hostile_zip.picture(0))])
    assert image_dataset(western).labels == ("café",)
    marked = raw([("猫/一.jpg".encode(), hostile_zip.picture(0))], flags=0x800)
    assert image_dataset(marked).labels == ("猫",)
    broken = raw([(b"\xff\xfe\xfd/a.jpg", hostile_zip.picture(0))], flags=0x800)
    with pytest.raises(GlassboxError) as caught:
        image_dataset(broken)
    assert caught.value.key == "tuning_data.error.broken"


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("猫", "猫"),
        ("👩‍🔬", "👩‍🔬"),
        ("<b onmouseover=alert(1)>cat<", "<b onmouseover=alert(1)>cat<"),
        (" cat\t ", "cat"),
        ("c\x07at\u202e", "cat"),
        ("\x01\x02", "?"),
        ("é", "é"),  # composed
        ("x" * 200, "x" * 39 + "…"),
    ],
)
def test_a_folder_becomes_a_label(folder: str, label: str) -> None:
    dataset = image_dataset(
        packed([(f"{folder}/0.jpg", hostile_zip.picture(0)), *folders({"zz": 1}, first=5)])
    )
    holds(dataset)
    assert label in dataset.labels
    assert ("tuning_data.upload.shortened" in keys(dataset)) == (len(folder) > 40)


def test_an_emoji_is_not_cut_apart() -> None:
    name = "a" * 37 + "👩‍🔬" + "b" * 20
    assert classes.short(name) == "a" * 37 + "…"
    assert classes.short("a" * 40) == "a" * 40


def test_two_long_names_that_begin_alike_stay_two() -> None:
    dataset = image_dataset(packed(folders({"x" * 60 + "1": 2, "x" * 60 + "2": 2})))
    assert dataset.labels == ("x" * 39 + "…", "x" * 39 + "… (2)")


def test_names_that_look_alike_are_one_class_and_it_is_said() -> None:
    dataset = image_dataset(packed(folders({"Cat": 2, "cat ": 2, "ＣＡＴ": 1, "dog": 2})))
    assert dataset.labels == ("Cat", "dog")
    assert review.counts(dataset)[0] == (4, 1)
    (merged,) = (problem for problem in dataset.problems if problem.key == "tuning_data.upload.merged")
    assert merged.values == {"label": "Cat", "count": 3}


def test_labels_are_in_the_order_of_a_reader() -> None:
    assert image_dataset(packed(folders({"10": 1, "9": 1, "b": 1}))).labels == ("9", "10", "b")


# --- hostile archives -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile_zip.REFUSED)
def test_refused_with_a_sentence(name: str) -> None:
    make, key = hostile_zip.REFUSED[name]
    with pytest.raises(GlassboxError) as caught:
        image_dataset(make())
    assert caught.value.key == f"tuning_data.{key}"
    for language in i18n.LANGUAGES:
        assert i18n.text(language, caught.value.key, **caught.value.values)


@pytest.mark.parametrize("name", hostile_zip.LEFT_OUT)
def test_left_out_and_named(name: str) -> None:
    member, key = hostile_zip.LEFT_OUT[name]
    dataset = image_dataset(packed([*folders({"cat": 3, "dog": 3}), member]))
    holds(dataset)
    assert len(dataset.examples) == 6
    (problem,) = (problem for problem in dataset.problems if problem.name)
    assert problem.key == key
    assert dataset.labels == ("cat", "dog")


def test_an_entry_that_lies_about_its_size_is_left_out() -> None:
    dataset = image_dataset(hostile_zip.liar())
    assert len(dataset.examples) == 4
    assert keys(dataset)["tuning_data.left_out.damaged"] == 1


def test_what_is_really_unpacked_is_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(packed(folders({"cat": 3, "dog": 3})))
    archive._left = 1000
    with pytest.raises(GlassboxError) as caught:
        for entry in archive.entries:
            archive.read(entry)
    assert caught.value.key == "tuning_data.error.unpacked"
    assert LARGEST_UNPACKED == 300


def test_lzma_is_not_opened() -> None:
    members = [*folders({"cat": 2, "dog": 2})]
    file = io.BytesIO(packed(members))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("cat/x.jpg", hostile_zip.picture(77))
    dataset = image_dataset(file.getvalue())
    assert keys(dataset)["tuning_data.left_out.method"] == 1


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    image_dataset(packed([*folders({"cat": 2, "dog": 2}), ("../out.jpg", hostile_zip.picture(5))]))
    assert not list(tmp_path.iterdir())
    assert not (tmp_path.parent / "out.jpg").exists()


def test_pictures_that_are_long_to_decode_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.tuning.images.MOST_MEGAPIXELS", 6 * 48 * 40 / 1e6)
    dataset = image_dataset(packed(folders({"cat": 4, "dog": 4})))
    assert len(dataset.examples) == 6
    assert keys(dataset)["tuning_data.left_out.megapixels"] == 2


SMALL = packed([*folders({"cat": 2, "狗": 2}), ("cat/a.txt", b"words" * 9)], zipfile.ZIP_DEFLATED)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_mutated_zip_is_a_data_set_or_a_sentence(data: st.DataObject) -> None:
    mutated = bytearray(SMALL)
    directory = SMALL.find(b"PK\x01\x02")
    for _ in range(data.draw(st.integers(1, 6))):
        low = data.draw(st.sampled_from([0, directory]))  # the directory is small, and says most
        at = data.draw(st.integers(low, len(mutated) - 1))
        mutated[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del mutated[data.draw(st.integers(4, len(mutated))) :]
    answered(bytes(mutated))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.text(max_size=24)
            | st.sampled_from(["a/b.jpg", "../a/b.jpg", "/a", "a/../b/c.png", "//", "a\\b"]),
            st.binary(max_size=40) | st.integers(0, 5),
        ),
        max_size=8,
    )
)
def test_any_names_and_contents_are_a_data_set_or_a_sentence(members: list[tuple[str, bytes | int]]) -> None:
    entries = [
        (
            name.encode("utf-8", "surrogatepass")[:60],
            hostile_zip.picture(content) if isinstance(content, int) else content,
        )
        for name, content in members
    ]
    answered(raw(entries))
    answered(raw(entries, flags=0x800))


def answered(data: bytes) -> None:
    try:
        dataset = image_dataset(data)
    except GlassboxError as error:
        assert str(error)
        assert i18n.text("zh", error.key, **error.values)
    else:
        assert dataset.examples
        holds(dataset)


# --- copies, splits, notes ------------------------------------------------------------------------------


def photo(name: str) -> Pillow.Image:
    found = Pillow.open(io.BytesIO(samples()[name].read())).convert("RGB")
    found.thumbnail((400, 400))
    return found


def saved(image: Pillow.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


COPIES: dict[str, Callable[[Pillow.Image], Pillow.Image]] = {
    "half": lambda image: image.resize((image.width // 2, image.height // 2), Pillow.Resampling.BICUBIC),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "mirrored": lambda image: image.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT),
    "edge cut off": lambda image: image.crop((4, 4, image.width - 4, image.height - 4)),
}


@pytest.mark.parametrize("change", COPIES)
def test_a_near_copy_of_a_photo_is_one(change: str) -> None:
    for name in ("tabby_cat", "bridge", "sunflower", "crab", "espresso"):
        image = photo(name)
        pair = [picture(saved(image)), picture(saved(COPIES[change](image), 40))]
        assert pair[0].digest != pair[1].digest
        assert list(likeness.near_pictures(pair)) == [(0, 1)], name


def test_different_pictures_are_no_copies() -> None:
    photos = [picture(saved(photo(name))) for name in samples()]
    assert not list(likeness.near_pictures(photos))
    digits = builtin("digits")
    pairs = sum(1 for _ in likeness.near_pictures(digits.examples))
    assert pairs <= 10  # of 39,060: a one is a one


def test_texts_that_say_the_same_in_the_same_words() -> None:
    base = "I really liked this film, it was a wonderful evening with old friends!"
    texts = [
        base,
        "i really liked this film; it was a wonderful evening with my old friends",
        "I really disliked that book, it cost me a dreadful weekend.",
        "这部电影真的很好看，我和老朋友们度过了一个愉快的晚上！",
        "这部电影真的很好看，我和老朋友们度过了一个非常愉快的晚上。",
        "好",
        "坏",
    ]
    examples = [Example(str(n), str(n), 0, "train", text=text) for n, text in enumerate(texts)]
    assert list(likeness.near_texts(examples)) == [(0, 1), (3, 4)]


def test_groups_are_connected() -> None:
    assert likeness.groups(6, iter([(4, 2), (0, 4), (3, 5)])) == [[0, 2, 4], [1], [3, 5]]


def test_the_same_picture_twice_is_counted_once() -> None:
    members = folders({"cat": 3, "dog": 3})
    twice = [("cat/again.jpg", members[0][1]), ("dog/wrong.jpg", members[1][1])]
    dataset = image_dataset(packed([*members, *twice]))
    holds(dataset)
    assert len(dataset.examples) == 6
    copy, conflict = (problem for problem in dataset.problems if problem.name)
    assert (copy.key, copy.name) == ("tuning_data.left_out.copy.images", "cat/again.jpg")
    assert copy.values == {"other": "cat/0.jpg"}
    assert (conflict.key, conflict.name) == ("tuning_data.left_out.conflict.images", "dog/wrong.jpg")
    assert conflict.values == {"other": "cat/1.jpg", "label": "cat", "wanted": "dog"}
    assert conflict.digests == (dataset.examples[1].digest,)


def made(sizes: Sequence[int]) -> list[Example]:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    return [
        Example(f"{place:04}", str(place), label, "train", text="x") for place, label in enumerate(labels)
    ]


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 99), st.floats(0.05, 0.5))
def test_a_split_is_stratified(sizes: list[int], seed: int, part: float) -> None:
    examples = made(sizes)
    alone = [[place] for place in range(len(examples))]
    split = splits.assign(examples, alone, seed=seed, validation=part, keep={})
    assert split == splits.assign(examples, alone, seed=seed, validation=part, keep={})
    tested = Counter(example.label for example in split if example.split == "validation")
    for label, size in enumerate(sizes):
        assert tested[label] == min(max(1, round(part * size)), size - 1)


@settings(deadline=None)
@given(st.data())
def test_groups_stay_together_and_classes_on_both_sides(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    examples = made(sizes)
    places = data.draw(st.permutations(range(len(examples))))
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(examples) - 1)))))
    groups = [places[start:end] for start, end in zip([0, *cuts], [*cuts, len(examples)], strict=True)]
    groups = [group for group in groups if group]
    split = splits.assign(examples, groups, seed=0, validation=0.2, keep={})
    for group in groups:
        assert len({split[place].split for place in group}) == 1
    for label in range(len(sizes)):
        own = [group for group in groups if {examples[place].label for place in group} == {label}]
        if len(own) > 1:  # a class with two groups of its own can be on both sides
            assert {example.split for example in split if example.label == label} == {"train", "validation"}


def test_more_data_leaves_the_split_as_it_was() -> None:
    first = image_dataset(packed(folders({"cat": 10, "dog": 10})))
    sides = {example.digest: example.split for example in first.examples}
    more = [(f"{n}.jpg", hostile_zip.picture(n)) for n in range(100, 110)]
    second = editing.add_pictures(first, "cat", more)
    holds(second)
    assert {e.digest: e.split for e in second.examples if e.digest in sides} == sides
    assert review.counts(second) == ((16, 4), (8, 2))
    assert review.split(first, seed=1) != first
    assert review.counts(review.split(first, validation=0.5)) == ((5, 5), (5, 5))


def test_notes_on_what_came_in() -> None:
    grey = []
    for number in range(12):
        image = Pillow.open(io.BytesIO(hostile_zip.picture(200 + number, size=(100, 100)))).convert("L")
        grey.append((f"old/{number}.jpg", saved(image)))
    dataset = image_dataset(packed([*folders({"cat": 40, "dog": 2}), *grey]))
    holds(dataset)
    found = {problem.key.removeprefix("tuning_data.note."): problem.values for problem in dataset.problems}
    assert found["imbalance"] == {"label": "cat", "count": 40, "other": "dog", "few": 2}
    assert found["few.images"] == {"count": 1, "few": 10}
    assert found["tiny"] == {"count": 42, "pixels": 64}
    assert found["grey_differs"] == {"label": "old", "other": "cat"}


def test_a_class_of_near_copies_only_is_told() -> None:
    members = [(f"same/{q}.jpg", saved(photo("crab"), q)) for q in (50, 70, 90)]
    dataset = image_dataset(packed([*members, *folders({"cat": 3})]))
    holds(dataset)
    assert review.counts(dataset) == ((2, 1), (3, 0))
    assert {"tuning_data.note.untested.images", "tuning_data.note.near.images"} <= set(keys(dataset))
    review.check(dataset)
    with pytest.raises(GlassboxError) as caught:
        two = [(f"other/{q}.jpg", saved(photo("bee"), q)) for q in (50, 70)]
        review.check(image_dataset(packed([*members, *two])))
    assert caught.value.key == "tuning_data.check.untested.images"


def test_near_copies_in_two_classes_are_told() -> None:
    members = [("a/x.jpg", saved(photo("crab"), 50)), ("b/x.jpg", saved(photo("crab"), 90))]
    dataset = image_dataset(packed([*members, *folders({"a": 3, "b": 3})]))
    (problem,) = (p for p in dataset.problems if p.key == "tuning_data.note.near_conflict.images")
    assert problem.values == {"label": "a", "other": "b"}
    assert len(problem.digests) == 2


def test_every_message_that_the_code_can_name_exists_and_is_used() -> None:
    code = "".join(path.read_text("utf-8") for path in sorted((ROOT / "core/tuning").glob("*.py")))
    for key in json.loads((ROOT / "assets/messages/en/tuning_data.json").read_text("utf-8")):
        if key.startswith("tuning_data."):
            stem = key.removesuffix(".images").removesuffix(".texts")
            used = stem in code or stem.removeprefix("tuning_data.note.") in code
            assert used or stem.rpartition(".")[2] in code, key


# --- editing --------------------------------------------------------------------------------------------


def files(*seeds: int) -> list[tuple[str, bytes]]:
    return [(f"{seed}.jpg", hostile_zip.picture(seed)) for seed in seeds]


def test_a_data_set_from_pictures_dropped_one_by_one() -> None:
    first = editing.add_pictures(None, " 猫 ", files(1, 2, 3))
    second = editing.add_pictures(first, "dog", [*files(4, 5), ("bad.jpg", b"words")])
    third = editing.add_pictures(second, "DOG", files(6, 1))
    for dataset in (first, second, third):
        holds(dataset)
    assert first.labels == ("猫",)
    assert third.labels == ("猫", "dog")
    assert [len(dataset.examples) for dataset in (first, second, third)] == [3, 5, 6]
    assert "error.image.format" in keys(second)
    assert "tuning_data.left_out.conflict.images" in keys(third)
    review.check(second)


def test_classes_and_labels_can_be_mended_and_the_old_version_stays() -> None:
    dataset = image_dataset(packed(folders({"cat": 4, "dog": 4, "owl": 4})))
    before = names(dataset)
    wrong = dataset.examples[0].digest
    moved = editing.relabel(dataset, wrong, "owl")
    assert [sum(pair) for pair in review.counts(moved)] == [3, 4, 5]
    assert {e.digest: moved.labels[e.label] for e in moved.examples}[wrong] == "owl"
    dropped = editing.drop(dataset, wrong)
    assert len(dropped.examples) == 11
    removed = editing.remove_class(dataset, "dog")
    assert names(removed) == [name for name in before if not name.startswith("dog:")]
    renamed = editing.rename_class(dataset, "dog", "  <i>hound</i>  ")
    assert renamed.labels == ("cat", "<i>hound</i>", "owl")
    assert editing.rename_class(dataset, "dog", "Dog").labels == ("cat", "Dog", "owl")
    with pytest.raises(GlassboxError) as caught:
        editing.rename_class(dataset, "dog", "CAT")
    assert caught.value.key == "tuning_data.error.name_taken"
    for other in (moved, dropped, removed, renamed):
        holds(other)
    assert names(dataset) == before


def test_the_last_example_to_test_with_is_replaced() -> None:
    dataset = image_dataset(packed(folders({"cat": 4, "dog": 4})))
    (tested,) = (e.digest for e in dataset.examples if e.label == 0 and e.split == "validation")
    assert review.counts(editing.drop(dataset, tested)) == ((2, 1), (3, 1))


def test_limits_hold_for_what_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.tuning.images.MOST", 4)
    dataset = editing.add_pictures(None, "cat", files(1, 2, 3))
    with pytest.raises(GlassboxError) as caught:
        editing.add_pictures(dataset, "dog", files(4, 5))
    assert caught.value.key == "tuning_data.error.many.images"
    monkeypatch.setattr("core.tuning.review.MOST_CLASSES", 1)
    with pytest.raises(GlassboxError) as caught:
        editing.add_pictures(dataset, "dog", files(4))
    assert caught.value.key == "tuning_data.error.one_more"
    assert MOST == 1_000


def test_texts_typed_into_classes() -> None:
    dataset = editing.add_texts(None, "good", ["Lovely!", "", "What a day.", "lovely"])
    dataset = editing.add_texts(dataset, "bad", ["Awful.", "x" * 3000])
    holds(dataset)
    assert [example.text[:11] for example in dataset.examples] == [
        "Lovely!",
        "What a day.",
        "Awful.",
        "x" * 11,
    ]
    assert keys(dataset)["tuning_data.left_out.copy.texts"] == 1
    assert keys(dataset)["tuning_data.upload.cut"] == 1
    with pytest.raises(ValueError):
        editing.add_pictures(dataset, "good", files(1))


# --- texts ----------------------------------------------------------------------------------------------

PAIRS = [
    ("What a lovely, sunny day", "good"),
    ("I hated every minute of it", "bad"),
    ("It made me laugh, and cry, and laugh again", "good"),
    ("Never again", "bad"),
    ("早餐很丰盛", "good"),
    ("房间又小又吵", "bad"),
]


def read(dataset: Dataset) -> set[tuple[str, str]]:
    return {(example.text, dataset.labels[example.label]) for example in dataset.examples}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("header", ["", "text,label", "文本,类别"])
@pytest.mark.parametrize("label_first", [False, True])
def test_tables_in_any_encoding_and_order(encoding: str, header: str, label_first: bool) -> None:
    rows = [f'"{text}",{label}' if not label_first else f'{label},"{text}"' for text, label in PAIRS]
    names = ",".join(reversed(header.split(","))) if label_first else header
    data = "\r\n".join([names, *rows] if header else rows).encode(encoding)
    dataset = text_dataset(data)
    holds(dataset)
    assert dataset.kind == "texts"
    assert read(dataset) == set(PAIRS)
    assert review.counts(dataset) == ((2, 1), (2, 1))


@pytest.mark.parametrize("separator", [",", "，", "\t", ";", "|", ", "])
@pytest.mark.parametrize("label_first", [False, True])
def test_pasted_lines_whose_texts_have_commas(separator: str, label_first: bool) -> None:
    lines = [separator.join((label, text) if label_first else (text, label)) for text, label in PAIRS]
    dataset = text_dataset("\n\n".join(lines))
    assert read(dataset) == set(PAIRS)
    assert {example.name for example in dataset.examples} == {"1", "3", "5", "7", "9", "11"}


def test_a_wide_table_says_which_columns_were_taken() -> None:
    rows = [f"{n},{text.replace(',', '')},{n % 2},{label}" for n, (text, label) in enumerate(PAIRS)]
    dataset = text_dataset("\n".join(["id,comment,flag,category", *rows]))
    assert {label for _, label in read(dataset)} == {"good", "bad"}
    (problem,) = (p for p in dataset.problems if p.key == "tuning_data.upload.columns")
    assert problem.values == {"text": "comment", "label": "category"}


def test_lines_that_cannot_be_used_are_named() -> None:
    lines = [
        "a fine day,good",
        "no class here",
        "an awful day,bad",
        ",good",
        "A fine day!,good",
        "a fine day,bad",
    ]
    lines += ["x" * 2500 + ",bad", "another,good", "yet another,bad", "one more,good"]
    dataset = text_dataset("\n".join(lines))
    holds(dataset)
    found = {(problem.name, problem.key.removeprefix("tuning_data.")) for problem in dataset.problems}
    assert {
        ("2", "left_out.no_label"),
        ("4", "left_out.no_text"),
        ("5", "left_out.copy.texts"),
        ("6", "left_out.conflict.texts"),
        ("7", "upload.cut"),
    } <= found
    assert max(len(example.text) for example in dataset.examples) == 2000


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ("", "tables.empty"),
        (b"", "tables.empty"),
        ("\n".join(f"sentence number {n}" for n in range(30)), "tuning_data.error.no_labels"),
        ("\n".join(f"text {n},class {n % 21}" for n in range(210)), "tuning_data.error.no_labels"),
        (
            "text,label\n" + "\n".join(f"text {n},class {n % 21}" for n in range(210)),
            "tuning_data.error.labels",
        ),
        ("\n".join(f"text {n},class {n % 2}" for n in range(5002)), "tables.many"),
        (b"PK\x03\x04" + bytes(99), "tables.workbook"),
        ("x" * 5_000_001, "tables.large"),
    ],
)
def test_texts_that_are_no_data_set(data: bytes | str, key: str) -> None:
    with pytest.raises(GlassboxError) as caught:
        text_dataset(data)
    assert caught.value.key == key
    assert str(caught.value)


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=200)
    | st.binary(max_size=200)
    | st.lists(
        st.tuples(
            st.text(max_size=20), st.sampled_from([",", "，", "\t", "", '"']), st.sampled_from("abc\u202e")
        ),
        max_size=12,
    ).map(lambda rows: "\n".join("".join(row) for row in rows))
)
def test_any_text_is_a_data_set_or_a_sentence(data: bytes | str) -> None:
    try:
        dataset = text_dataset(data)
    except GlassboxError as error:
        assert str(error)
    else:
        assert dataset.examples
        holds(dataset)


# --- sets that ship -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILTIN)
def test_a_set_that_ships(name: str) -> None:
    dataset = builtin(name)
    holds(dataset)
    review.check(dataset)
    assert (dataset.builtin, dataset.labels) == (name, BUILTIN[name].labels)
    assert f"| {name} | {BUILTIN[name].licence} |" in (ROOT / "assets/tuning/LICENSES.md").read_text("utf-8")
    for language in i18n.LANGUAGES:
        words = i18n.catalogue(language)
        assert {f"tuning_set.{name}", f"tuning_set.{name}.about"} <= set(words)
        assert all(label_key(dataset, label) in words for label in range(len(dataset.labels)))
    sizes = Counter(example.label for example in dataset.examples)
    assert max(sizes.values()) - min(sizes.values()) <= 1
    wrong = [p for p in dataset.problems if p.name or "conflict" in p.key or "moved" in p.key]
    assert not wrong


def test_words_of_a_visitor_are_not_looked_up() -> None:
    dataset = editing.rename_class(builtin("textures"), "grass", "lawn")
    assert [label_key(dataset, label) for label in range(3)] == [
        "tuning_set.textures.brick",
        None,
        "tuning_set.textures.gravel",
    ]
    assert label_key(replace(dataset, builtin=None), 0) is None


@pytest.mark.parametrize("name", [name for name, one in BUILTIN.items() if one.kind == "texts"])
def test_sentences_in_one_language_or_in_both(name: str) -> None:
    both, english, chinese = builtin(name), builtin(name, "en"), builtin(name, "zh")
    assert len(both.examples) == len(english.examples) + len(chinese.examples)
    assert set(Counter(example.label for example in english.examples).values()) == {25}
    assert not any("\u4e00" <= letter <= "\u9fff" for e in english.examples for letter in e.text)
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in e.text) for e in chinese.examples)
    sides = {example.digest: example.split for example in both.examples}
    pairs = zip(english.examples, chinese.examples, strict=True)
    assert all(sides[one.digest] == sides[other.digest] for one, other in pairs)


def test_the_sets_are_small_and_no_word_gives_a_class_away() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "assets/tuning").iterdir()) < 2_000_000
    dataset = builtin("feelings", "en")
    for word in ("happy", "sad", "angry"):
        found = [example for example in dataset.examples if word in example.text.lower().split()]
        assert len(found) <= 2
