"""The sentiment page in a real browser: how long after Enter the curve and all five verdicts stand, and all inside.

    python -m benchmarks.typing

Twenty sentences of about 30 tokens are typed, half of them Chinese. The clock runs in the browser, from Enter to
the moment when the curve and the verdicts are of the new sentence, and on to the end of the run, when what is
shown inside the network (attention and its arithmetic) is of it too.
"""

from __future__ import annotations

import statistics

from playwright.sync_api import sync_playwright

from benchmarks.figures import tell
from tests.browser import launch, serve, visit

TIMES = 20
ENGLISH = (
    "The {} was slow at first, but the second half won me over and the ending made the whole evening worth it, "
    "even if my friends did not agree."
)
CHINESE = (
    "这{}刚开始让人有点失望，不过后半段越来越精彩，结尾更是让人感动，虽然朋友们并不这么认为，我还是推荐。"
)
WORDS = ("film", "book", "concert", "match", "play", "lecture", "series", "game", "tour", "dinner")
THINGS = ("部电影", "本书", "场音乐会", "场比赛", "出话剧", "次讲座", "部剧", "款游戏", "次旅行", "顿晚饭")
FOLLOWED = """() => new Promise((done) => {
  const inside = (node) => [
    ...node.querySelectorAll('path, .verdicts'),
    ...[...node.querySelectorAll('*')].filter((each) => each.shadowRoot).flatMap((each) => inside(each.shadowRoot)),
  ];
  const of = (key) => inside(document.querySelector(key)).map((each) => each.getAttribute('d') ?? each.textContent).join();
  const both = () => [of('.st-key-sentiment_curve'), of('.st-key-sentiment_answer')];
  const running = () => document.querySelector('[data-testid="stApp"]').dataset.testScriptState !== 'notRunning';
  const before = both();
  document.addEventListener('keydown', () => {
    const begun = performance.now();
    let shown = 0;
    const look = () => {
      if (!shown && both().every((now, i) => now !== before[i])) shown = performance.now() - begun;
      if (shown && !running()) return done([shown, performance.now() - begun]);
      requestAnimationFrame(look);
    };
    look();
  }, { once: true, capture: true });
  window.ready = true;
})"""


def told(name: str, taken: list[float]) -> str:
    """Median, 95th percentile and worst of milliseconds."""
    some = sorted(taken)
    return (
        f"{name}: median {statistics.median(some):.0f} ms, 95th percentile {some[int(0.95 * len(some))]:.0f} ms, "
        f"worst {some[-1]:.0f} ms"
    )


def main() -> None:
    """Type, measure, print."""
    sentences = [
        text.format(word)
        for pair in zip(WORDS, THINGS, strict=True)
        for text, word in zip((ENGLISH, CHINESE), pair, strict=True)
    ]
    with sync_playwright() as playwright, serve() as server:
        chromium = launch(playwright)
        page = visit(chromium, server.address).open("/sentiment?lang=en&model=transformer&tab=inside")
        area = page.locator(".st-key-sentiment_field textarea")
        shown, ended = [], []
        for sentence in ("A first one.", "And a second one.", *sentences[:TIMES]):
            area.fill(sentence)
            page.evaluate(f"() => {{ window.ready = false; window.taken = ({FOLLOWED})(); }}")
            page.wait_for_function("window.ready")
            area.press("Enter")
            first, last = page.evaluate("window.taken")
            shown.append(first)
            ended.append(last)
        chromium.close()
    print(told(f"Enter to curve and five verdicts, {TIMES} times", shown[2:]))
    print(told("Enter to all that is shown inside", ended[2:]))
    for name, taken in (("typing", sorted(shown[2:])), ("typing_inside", sorted(ended[2:]))):
        tell(name, median=f"{statistics.median(taken):.0f}", late=f"{taken[int(0.95 * len(taken))]:.0f}")


if __name__ == "__main__":
    main()
