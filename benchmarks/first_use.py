"""A fresh server and its first visitor, in a real browser: what a person waits for.

    python -m benchmarks.first_use PHOTO.jpg

Prints the seconds from the server's start to the first painted page, from choosing the file to the
named photo, and the server's memory before TensorFlow is asked for. Median of 5 fresh servers.
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from benchmarks.figures import tell
from tests.browser import launch, serve, visit

ROUNDS = 5


def main() -> None:
    photo = Path(sys.argv[1])
    paint, answer, memory = [], [], []
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        for _ in range(ROUNDS):
            begun = time.monotonic()
            with serve() as server:
                visitor = visit(chromium, server.address)
                page = visitor.page
                page.goto(server.address + "/classify?lang=en")
                expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=30_000)
                paint.append(time.monotonic() - begun)
                visitor.ready()
                before = page.get_by_role("heading", level=2).inner_text()
                chosen = time.monotonic()
                page.locator('input[type="file"]').first.set_input_files(photo)
                heading = page.get_by_role("heading", level=2)
                expect(heading).not_to_have_text(re.compile(re.escape(before)), timeout=30_000)
                answer.append(time.monotonic() - chosen)
                visitor.ready()
                assert not server.has_tensorflow()
                memory.append(server.resident())
                visitor.context.close()
        chromium.close()
    print(f"photo: {photo.stat().st_size / 1e6:.1f} MB; median of {ROUNDS} fresh servers")
    print(f"server start to first paint   {statistics.median(paint):6.2f} s")
    print(f"file chosen to photo named    {statistics.median(answer):6.2f} s")
    print(f"server, resident              {statistics.median(memory):6.0f} MiB, no TensorFlow")
    tell(
        "first_use",
        paint=f"{statistics.median(paint):.1f}",
        answer=f"{statistics.median(answer):.2f}",
        memory=f"{statistics.median(memory):.0f}",
    )


if __name__ == "__main__":
    main()
