"""How long the largest uploads take to become data sets, and how much memory.

    python -m benchmarks.data_sets

Each case is made here and read in a process of its own: seconds, processor seconds, the peak of resident memory beyond what
the imports and the upload take (read from /proc: Linux only), and what the data set itself weighs.
"""

from __future__ import annotations

import io
import re
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from core.errors import GlassboxError
from core.imaging.samples import samples
from core.tuning.images import image_dataset
from core.tuning.texts import text_dataset


def photos(count: int, size: tuple[int, int], kilobytes: int) -> bytes:
    """A zip file of `count` different photos, each a piece of a sample, in ten classes."""
    sources = [Image.open(io.BytesIO(sample.read())).convert("RGB") for sample in samples().values()]
    random = np.random.default_rng(0)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            source = sources[number % len(sources)]
            scale = random.uniform(0.4, 0.9)
            left, top = random.uniform(0, 1 - scale, 2)
            box = (left * source.width, top * source.height)
            box += ((left + scale) * source.width, (top + scale) * source.height)
            picture = source.resize(size, Image.Resampling.BICUBIC, box)
            for quality in range(95, 10, -4):
                encoded = io.BytesIO()
                picture.save(encoded, "JPEG", quality=quality)
                if encoded.tell() <= 1000 * kilobytes:
                    break
            archive.writestr(f"class {number % 10}/{number}.jpg", encoded.getvalue())
    return file.getvalue()


def flat(count: int, side: int, form: str) -> bytes:
    """Large pictures of one colour each: small files that are long to decode."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            encoded = io.BytesIO()
            Image.new("RGB", (side, side), (number % 256, number // 256, 90)).save(encoded, form)
            archive.writestr(f"class {number % 10}/{number}.{form.lower()}", encoded.getvalue())
    return file.getvalue()


def noise(count: int, side: int) -> bytes:
    """Pictures of noise, which no JPEG makes small."""
    random = np.random.default_rng(0)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            encoded = io.BytesIO()
            pixels = random.integers(0, 256, (side, side, 3), np.uint8)
            Image.fromarray(pixels).save(encoded, "JPEG", quality=60)
            archive.writestr(f"class {number % 10}/{number}.jpg", encoded.getvalue())
    return file.getvalue()


def lines(count: int, length: int) -> bytes:
    """Lines of words with one of four classes each."""
    random = np.random.default_rng(0)
    words = ["".join(chr(97 + letter) for letter in random.integers(0, 26, 5)) for _ in range(5000)]
    return "\n".join(
        f"{' '.join(random.choice(words, length // 6))},class {number % 4}" for number in range(count)
    ).encode()


CASES = {
    "1,000 photos of 60 kB": lambda: photos(1000, (640, 480), 60),
    "60 photos of 1 MB, 12 megapixels": lambda: photos(60, (4000, 3000), 1000),
    "200 photos of 300 kB, 12 megapixels": lambda: photos(200, (4000, 3000), 300),
    "1,000 pictures of noise": lambda: noise(1000, 256),
    "230 flat JPEG of 16 megapixels": lambda: flat(230, 4000, "JPEG"),
    "300 flat PNG of 16 megapixels": lambda: flat(300, 4000, "PNG"),
    "5,000 texts of 900 characters": lambda: lines(5000, 900),
}


def measure(name: str, data: bytes) -> None:
    """Prints one case."""
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is counted anew
    resident = psutil.Process().memory_info().rss
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    read = text_dataset if "texts" in name else image_dataset
    try:
        dataset = read(data)
    except GlassboxError as error:
        print(f"{name}: {error}")
        return
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    (peak,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    weight = sum(len(one.image) + 2 * len(one.text) + len(one.likeness) for one in dataset.examples)
    print(
        f"{name}: {len(data) / 1e6:.0f} MB, {len(dataset.examples)} examples in {seconds:.1f} s"
        f" ({processor:.1f} s of processor), peak {int(peak) / 1024 - resident / 2**20:.0f} MiB more,"
        f" data set {weight / 1e6:.1f} MB, problems {len(dataset.problems)}"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], sys.stdin.buffer.read())
    else:
        for case, make in CASES.items():
            subprocess.run([sys.executable, "-m", "benchmarks.data_sets", case], input=make(), check=True)
