// What moves with the arrow keys itself, or is written into: there the keys are left alone.
const USES_ARROWS = [
  "input:not([type=checkbox]):not([type=button])", "textarea", "select", "[contenteditable=true]", "[role=slider]",
  "[role=radio]", "[role=tab]", "[role=option]", "[role=listbox]", "[role=combobox]", "[role=menu]", "[role=toolbar]", "[role=grid]",
].join(",");

const KEYS = { ArrowRight: "on", PageDown: "on", ArrowLeft: "back", PageUp: "back", Escape: "leave" };

function ask(self, step) {
  const { place, count } = self.data;
  if (self.asked || (step === "on" && place >= count) || (step === "back" && place <= 1)) return;
  self.asked = true; // until the next stop is drawn: a key that is held down goes one stop on
  self.send("step", step);
}

// What the stop is about is brought to the top, and again while the page settles, unless someone else scrolls.
const SETTLES = [0, 300, 900, 2000, 4000];
const HANDS = ["wheel", "pointerdown", "touchstart", "keydown"];

function bring(self) {
  const page = document.querySelector('[data-testid="stMain"]');
  if (!page) return;
  const { sight } = self.data;
  const target = sight && document.querySelector(`.st-key-${sight}`);
  const top = target ? page.scrollTop + target.getBoundingClientRect().top - page.getBoundingClientRect().top - 12 : 0;
  page.scrollTo({ top, behavior: "instant" });
}

function stand(self) {
  self.timers?.forEach(clearTimeout);
  self.timers = SETTLES.map((wait) => setTimeout(bring, wait, self));
  const rest = () => self.timers.forEach(clearTimeout);
  for (const hand of HANDS) window.addEventListener(hand, rest, { once: true, passive: true, capture: true });
}

function build(self) {
  for (const step of ["back", "on", "leave"]) self.find(`.${step}`).addEventListener("click", () => ask(self, step));
  self.onKey = (event) => {
    const step = KEYS[event.key];
    if (!step || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const path = event.composedPath().filter((node) => node instanceof Element);
    if (document.querySelector('[role="dialog"]')) return;
    if (event.key.startsWith("Arrow") && path.some((node) => node.matches(USES_ARROWS))) return;
    if (!event.key.startsWith("Arrow") && path.some((node) => node.matches("textarea, [contenteditable=true]"))) return;
    event.preventDefault();
    ask(self, step);
  };
  window.addEventListener("keydown", self.onKey);
}

export default function (component) {
  const self = instance(component, build);
  const { place, count, title, words } = self.data;
  self.asked = false;
  if (place && self.memory.stood !== place) {
    self.memory.stood = place;
    stand(self);
    for (const animation of self.find(".title").getAnimations()) {
      animation.cancel();
      animation.play(); // another stop, another name to be read
    }
  }
  self.find(".place").textContent = `${place || "–"} / ${count}`;
  self.find(".title").textContent = title;
  self.find(".bar").title = words.hint;
  self.find(".bar").setAttribute("aria-label", words.hint);
  for (const step of ["back", "on", "leave"]) {
    const button = self.find(`.${step}`);
    button.setAttribute("aria-label", words[step]);
    button.title = words[step];
  }
  self.find(".back").disabled = place <= 1;
  self.find(".on").disabled = place >= count;
  const said = `${place} / ${count} ${title}`;
  if (self.find(".unseen").textContent !== said) self.find(".unseen").textContent = said;
  return () => {
    self.timers?.forEach(clearTimeout);
    window.removeEventListener("keydown", self.onKey);
  };
}
