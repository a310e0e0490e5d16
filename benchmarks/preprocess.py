"""The preprocessing studio's figures: how long a chain takes, beside the bare library calls, and what the
rescue preset rescues.

    python -m benchmarks.preprocess [--quick]

The chain has six steps, one of each family and two of `enhance`; the bare calls are what one would write by
hand for the same pixels (it is checked that they are the same). Ours and theirs take turns, so that a
drifting machine drifts for both; the overhead is the median of the rounds' ratios.

The rescue is measured on the sample photos that show something the network knows, each with noise of four
seeds, at three sizes: a large photo is shrunk to the network's 224 pixels, which averages most of the noise
away by itself; a small one is not.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.figures import tell
from core.imaging import STEPS, Call, apply, decode, measure
from core.imaging.chain import PRESETS
from core.imaging.samples import samples
from core.types import Classifier, Image
from core.vision import classifier

CHAIN = (
    Call.of("perspective", horizontal=0.1, fill="edge"),
    Call.of("gaussian_noise", sigma=10),
    Call.of("bilateral"),
    Call.of("clahe"),
    Call.of("unsharp_mask"),
    Call.of("otsu", view="cutout"),
)
LAST = (Call.of("otsu", view="cutout"), Call.of("otsu", foreground="dark", view="cutout"))


def bare(image: Image) -> list[Image]:
    """The chain by hand: nothing but library calls, every picture kept."""
    height, width = image.shape[:2]
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    inward = np.array([(0, 0), (0, 0.05), (0, -0.05), (0, 0)], np.float32)
    size = np.array([width, height], np.float32)
    tilt = cv2.getPerspectiveTransform(corners * size - 0.5, (corners + inward) * size - 0.5)
    tilted = cv2.warpPerspective(image, tilt, (width, height), borderMode=cv2.BORDER_REPLICATE)

    noise = np.random.default_rng(0).standard_normal(image.shape, dtype=np.float32)
    noisy = cv2.add(tilted, noise * np.float32(10), dtype=cv2.CV_8U)

    smooth = cv2.bilateralFilter(noisy, 5, 50, 5)

    lightness, a, b = cv2.split(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB))
    lightness = cv2.createCLAHE(2, (8, 8)).apply(lightness)
    clear = cv2.cvtColor(cv2.merge([lightness, a, b]), cv2.COLOR_LAB2RGB)

    sharp = cv2.addWeighted(clear, 2, cv2.GaussianBlur(clear, (0, 0), 2), -1, 0)

    grey = cv2.cvtColor(sharp, cv2.COLOR_RGB2GRAY)
    _, mask = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    labels = np.where(mask == 0, np.int32(1), np.int32(0))
    cut = cv2.copyTo(np.full_like(sharp, 127), mask, sharp.copy())
    assert labels.shape == cut.shape[:2]
    return [tilted, noisy, smooth, clear, sharp, cut]


def taking_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The times of each way in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 2):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            if round_ >= 2:  # the first two warm up
                times[name].append((time.perf_counter() - begun) * 1000)
    return times


def speed(image: Image, network: Classifier[Image], rounds: int) -> None:
    """A chain of six, with and without predictions, a change at its end, and each step alone."""
    done = apply(image, CHAIN)
    for result, picture in zip(done, bare(image), strict=True):
        np.testing.assert_array_equal(result.image, picture)
    turn = iter(range(10**9))

    def whole() -> None:
        results = apply(image, CHAIN)
        network.predict([image, *(result.image for result in results)])

    def change() -> None:
        nonlocal done
        done = apply(image, (*CHAIN[:-1], LAST[next(turn) % 2]), done)
        network.predict([done[-1].image])

    # Apart, because the threads of a prediction that has just ended slow down whoever comes next.
    plain = taking_turns(
        {"six bare library calls": lambda: bare(image), "apply, the same six": lambda: apply(image, CHAIN)},
        rounds,
    )
    seen = taking_turns(
        {"apply and 7 predictions": whole, "the last step changed, and its prediction": change}, rounds
    )
    height, width = image.shape[:2]
    print(f"a chain of {', '.join(call.step for call in CHAIN)}")
    print(f"on {width} x {height} pixels, {cv2.getNumThreads()} threads, medians of {rounds} rounds")
    for name, values in (plain | seen).items():
        print(f"  {name:45s} {statistics.median(values):8.1f} ms")
    by_hand, ours = plain.values()
    ratio = statistics.median(mine / theirs for mine, theirs in zip(ours, by_hand, strict=True))
    print(f"  {'our overhead, median over the rounds':45s} {(ratio - 1) * 100:8.1f} %")
    told = [statistics.median(values) for values in (ours, *seen.values())]
    tell("preprocess", **dict(zip(("chain", "seen", "changed"), map("{:.0f}".format, told), strict=True)))
    tell("preprocess", overhead=f"{(ratio - 1) * 100:.1f}")
    print("each step with its defaults, result kept (not in the budget: those marked *)")
    for name, step in STEPS.items():
        call = Call.of(name)
        apply(image, [call])
        seconds = [apply(image, [call])[0].seconds for _ in range(3 if step.slow else 5)]
        print(f"  {name:25s}{'*' if step.slow else ' '} {statistics.median(seconds) * 1000:8.1f} ms")


def rescue(photos: dict[str, Image], network: Classifier[Image], seeds: int) -> None:
    """What the rescue preset does for PSNR and for the network's answer."""
    noise, *repair = PRESETS["rescue"]
    print(f"rescue: {', '.join(call.step for call in repair)}; noise of sigma {dict(noise.args)['sigma']:g}")
    all_gains, all_flipped, all_back = [], 0, 0
    for side in (None, 512, 256, 224):
        gains: list[float] = []
        flipped = back = lost = shown = 0
        for image in photos.values():
            if side and max(image.shape) > side:
                image = apply(image, [Call.of("resize", side=side)])[0].image
            for seed in range(seeds):
                damaged = Call.of("gaussian_noise", **{**dict(noise.args), "seed": seed})
                ruined, *_, rescued = (result.image for result in apply(image, (damaged, *repair)))
                gains.append(measure.psnr(rescued, image) - measure.psnr(ruined, image))
                before, noisy, after = network.predict([image, ruined, rescued]).argmax(axis=1)
                shown += 1
                flipped += before != noisy
                back += before != noisy and before == after
                lost += before == noisy and before != after
        all_gains, all_flipped, all_back = all_gains + gains, all_flipped + flipped, all_back + back
        if side is None:
            tell("rescue", own_flipped=str(flipped), own_back=str(back))
        size = f"long side {side}" if side else "their own size"
        print(
            f"  {size:16s} PSNR {statistics.mean(gains):+5.2f} dB (least {min(gains):+5.2f}); "
            f"top class turned by noise {flipped:2d} of {shown}, brought back {back:2d}; "
            f"turned by the rescue alone {lost}"
        )
    tell("rescue", gain=f"{statistics.mean(all_gains):+.1f}", flipped=str(all_flipped), back=str(all_back))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and one seed")
    quick = parser.parse_args().quick
    network = classifier("efficientnet_lite0")
    known = {name: decode(sample.read()) for name, sample in samples().items() if sample.expect}
    photo = cv2.resize(next(iter(known.values())), (1152, 864), interpolation=cv2.INTER_AREA)
    speed(photo, network, 5 if quick else 25)
    rescue(known, network, 1 if quick else 4)


if __name__ == "__main__":
    main()
