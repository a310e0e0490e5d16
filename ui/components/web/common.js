// Shared by every component; stands in front of its own script.
// Streamlit calls the default export on mounting and whenever the data or the theme changed, and its
// cleanup only on leaving. So everything is built once per mounted box and brought up to date after that.

const INSTANCES = new WeakMap();
// By the key given in Python: what a visitor set by hand outlives a box that is taken down and put up again.
const MEMORY = new Map();

function instance(component, build) {
  const box = component.parentElement.querySelector(".gb");
  let self = INSTANCES.get(box);
  const first = !self;
  if (first) {
    const key = component.data.key;
    if (!MEMORY.has(key)) MEMORY.set(key, {});
    self = { box, memory: MEMORY.get(key), find: (selector) => box.querySelector(selector) };
    INSTANCES.set(box, self);
  }
  self.send = component.setTriggerValue;
  self.keep = component.setStateValue;
  self.data = component.data;
  if (first) build(self);
  return self;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// The old picture stays until the new one is decoded: no white flash between two of them.
function show(img, source) {
  if (img.wanted === source) return;
  img.wanted = source;
  if (!img.hasAttribute("src")) {
    img.src = source;
    return;
  }
  const next = new Image();
  next.src = source;
  const swap = () => { if (img.wanted === source) img.src = source; };
  next.decode().then(swap, swap);
}

function setWords(self, words) {
  for (const [selector, text] of Object.entries(words)) {
    const element = self.find(selector);
    if (element.textContent !== text) element.textContent = text ?? "";
    element.hidden = !text;
  }
}

// Where on an element a pointer is, as fractions from its top left corner.
function within(element, event) {
  const frame = element.getBoundingClientRect();
  return [
    clamp((event.clientX - frame.left) / frame.width, 0, 1),
    clamp((event.clientY - frame.top) / frame.height, 0, 1),
  ];
}

