"""What the accessibility tests ask a page: axe-core's findings, where the focus is, and what moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

from playwright.sync_api import Page

SERIOUS = ("serious", "critical")


@dataclass(frozen=True)
class LeftOut:
    """A finding inside Streamlit's own markup, which no style or message of ours can mend."""

    rule: str
    selector: str  # of the element that is found, in the page's own document
    reason: str


# The one list of what is left out; each is one rule at one kind of element.
LEFT_OUT: tuple[LeftOut, ...] = ()

_AXE = """async (left_out) => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const element = (target) => {
    let root = document, one = null;
    for (const selector of [target.at(-1)].flat()) {
      one = root.querySelector(selector);
      root = one?.shadowRoot ?? root;
    }
    return one;
  };
  return found.violations.flatMap((rule) => rule.nodes
    .filter((node) => !left_out.some(([id, selector]) => id === rule.id && element(node.target)?.closest(selector)))
    .map((node) => [rule.id, rule.impact, JSON.stringify(node.target), node.html, node.failureSummary ?? ""]));
}"""


class Finding(NamedTuple):
    """One element that axe-core finds fault with."""

    rule: str
    impact: str
    target: str
    html: str
    why: str

    def __str__(self) -> str:
        return f"{self.impact} {self.rule} {self.target}\n    {self.html[:200]}\n    {self.why[:300]}"


def findings(page: Page, left_out: Sequence[LeftOut] = LEFT_OUT) -> list[Finding]:
    """The serious and critical findings of axe-core on what is on the screen, shadow roots included."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate(_AXE, [[one.rule, one.selector] for one in left_out])
    return [finding for finding in (Finding(*one) for one in found) if finding.impact in SERIOUS]


# --- the focus -------------------------------------------------------------------------------------

_FOCUS = """async () => {
  let here = document.activeElement;
  while (here?.shadowRoot?.activeElement) here = here.shadowRoot.activeElement;
  if (!here || here === document.body) return null;
  const up = (node) => node.parentElement ?? node.getRootNode().host ?? null;
  const ways = [];
  for (let node = here; node && ways.length < 4; node = up(node)) ways.push(node);
  const look = () => [...ways, ...here.querySelectorAll("*")].map((node) => {
    const style = getComputedStyle(node);
    return [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor, style.backgroundColor, style.opacity].join();
  }).join(";");
  const lit = look();
  const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)));
  here.blur();
  await drawn();
  const dark = look();
  here.focus({ focusVisible: true, preventScroll: true });
  await drawn();
  const root = here.getRootNode();
  const keyed = (root.host ?? here).closest('[class*="st-key-"]');
  const label = here.getAttribute("aria-label") ?? here.labels?.[0]?.innerText ?? here.alt ?? "";
  return {
    name: (label || here.innerText || here.title || "").trim().replace(/\\s+/g, " "),
    role: here.getAttribute("role") ?? here.tagName.toLowerCase(),
    key: keyed?.className.match(/st-key-(\\S+)/)[1] ?? "",
    seen: lit !== dark,
    html: here.outerHTML.slice(0, 200),
  };
}"""


class Focus(NamedTuple):
    """Where the keyboard is."""

    name: str
    role: str
    key: str  # of the nearest widget that has one
    seen: bool  # whether the screen shows it: something looks different without the focus
    html: str


def focus(page: Page) -> Focus | None:
    """Where the keyboard is; None on the page itself. The system must ask for less motion, else a look is on its way."""
    found: dict[str, Any] | None = page.evaluate(_FOCUS)
    return None if found is None else Focus(**found)


# --- motion ----------------------------------------------------------------------------------------

MOVING = """() => {
  const found = [];
  const seconds = (text) => Math.max(...text.split(",").map((one) => parseFloat(one) * (one.trim().endsWith("ms") ? 0.001 : 1)));
  const look = (root) => {
    for (const node of root.querySelectorAll("*")) {
      for (const part of [null, "::before", "::after"]) {
        const style = getComputedStyle(node, part);
        const lasts = Math.max(seconds(style.transitionDuration), style.animationName === "none" ? 0 : seconds(style.animationDuration));
        if (lasts > 0.005 || style.scrollBehavior === "smooth") found.push(`${node.outerHTML.slice(0, 120)} ${part ?? ""} ${lasts} s`);
      }
      if (node.shadowRoot) look(node.shadowRoot);
    }
  };
  look(document);
  return found;
}"""

# --- alt texts -------------------------------------------------------------------------------------

ALTS = """() => {
  const found = [];
  const look = (root) => {
    for (const node of root.querySelectorAll("*")) {
      const text = node.tagName === "IMG" ? node.alt : node.matches('[role="img"]:not([aria-hidden])') ? node.getAttribute("aria-label") : "";
      if (text && node.translate && node.checkVisibility()) found.push(text);
      if (node.shadowRoot) look(node.shadowRoot);
    }
  };
  look(document);
  return found;
}"""
