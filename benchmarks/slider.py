"""The preprocessing page in a real browser: how long after a slider is let go the picture has followed.

    python -m benchmarks.slider

A slider of the chain's last step is moved thirty times; each time the clock runs in the browser, from the key's
release to the moment when the shown picture is another one and has been decoded.
"""

from __future__ import annotations

import statistics

from playwright.sync_api import sync_playwright

from benchmarks.figures import tell
from tests.browser import launch, serve, visit

MOVES = 30
CHAIN = "gaussian_noise~clahe~unsharp_mask"
FOLLOWED = """() => new Promise((done) => {
  const inside = (node) => [
    ...node.querySelectorAll('img'),
    ...[...node.querySelectorAll('*')].filter((each) => each.shadowRoot).flatMap((each) => inside(each.shadowRoot)),
  ];
  const images = () => inside(document.querySelector('.st-key-studio_picture'));
  const pictures = () => images().map((image) => image.src).join();
  const before = pictures();
  const slider = document.querySelector('[data-testid="stSlider"] input[type=range]');
  slider.addEventListener('keyup', () => {
    const begun = performance.now();
    const look = async () => {
      if (pictures() === before) return requestAnimationFrame(look);
      await Promise.all(images().map((image) => image.decode().catch(() => {})));
      done(performance.now() - begun);
    };
    look();
  }, { once: true });
  slider.focus();
  window.ready = true;
})"""


def main() -> None:
    with sync_playwright() as playwright, serve() as server:
        chromium = launch(playwright)
        visitor = visit(chromium, server.address)
        page = visitor.open(f"/preprocess?lang=en&image=tabby_cat&chain={CHAIN}")
        taken = []
        for move in range(MOVES + 3):
            page.evaluate(f"() => {{ window.ready = false; window.taken = ({FOLLOWED})(); }}")
            page.wait_for_function("window.ready")
            page.keyboard.press("ArrowRight" if move % 20 < 10 else "ArrowLeft")
            milliseconds = page.evaluate("window.taken")
            visitor.ready()
            taken.append(milliseconds)
        chromium.close()
    taken = sorted(taken[3:])  # the first ones warm the server up
    print(
        f"slider let go to picture shown, {MOVES} times: median {statistics.median(taken):.0f} ms, "
        f"95th percentile {taken[int(0.95 * len(taken))]:.0f} ms, worst {taken[-1]:.0f} ms"
    )
    tell("slider", median=f"{statistics.median(taken):.0f}", late=f"{taken[int(0.95 * len(taken))]:.0f}")


if __name__ == "__main__":
    main()
