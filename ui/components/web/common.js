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
  box.classList.add("ready");
  return self;
}

// Whether the visitor asked the system for less motion.
const STILL = matchMedia("(prefers-reduced-motion: reduce)").matches;

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


// --- Several things of which one is picked -----------------------------------------------------------
// They are one stop of the Tab key; the arrow keys go from one to the next.

function roamIn(things, to) {
  for (const thing of things) thing.tabIndex = thing === to ? 0 : -1;
}

// The arrow keys over children of a box that stand in rows.
function walkGrid(box) {
  box.addEventListener("keydown", (event) => {
    const things = [...box.children];
    const here = things.indexOf(event.target.closest("button"));
    const row = things.filter((thing) => thing.offsetTop === things[0].offsetTop).length;
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - row, ArrowDown: here + row, Home: 0, End: things.length - 1 }[event.key];
    if (here < 0 || to === undefined || !things[to]) return;
    event.preventDefault();
    roamIn(things, things[to]);
    things[to].focus();
  });
}

// The radio buttons of a box, one below the other: a click chooses one.
function walkColumn(self, box) {
  box.addEventListener("click", (event) => {
    const thing = event.target.closest("button");
    if (!thing || self.data.still) return;
    for (const each of box.children) each.setAttribute("aria-checked", each === thing);
    roamIn([...box.children], thing);
    self.send("pick", thing.dataset.id);
  });
  box.addEventListener("keydown", (event) => {
    const things = [...box.children];
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const next = step && things[things.indexOf(event.target.closest("button")) + step];
    if (!next) return;
    event.preventDefault();
    roamIn(things, next);
    next.focus();
  });
}

// The arrow keys over the tokens of a text (`self.tokens`, each knows its place `at`); Enter chooses.
function walkTokens(self, box, choose) {
  box.addEventListener("click", (event) => { if (event.target.at !== undefined) choose(event.target); });
  box.addEventListener("keydown", (event) => {
    const here = event.target.at;
    if (here === undefined) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return choose(event.target);
    }
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: self.tokens.length - 1 }[event.key];
    if (to === undefined || !self.tokens[to]) return;
    event.preventDefault();
    roamIn(self.tokens, self.tokens[to]);
    self.tokens[to].focus();
  });
}

// The cells of a square table, `td > button` with `data-at` "row-column"; `mark(self, at)` shows the chosen one.
const cellsOf = (self) => [...self.box.querySelectorAll("td > button")];

function walkTable(self, size, mark) {
  const table = self.find("table");
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("button");
    if (!cell) return;
    mark(self, cell.dataset.at);
    roamIn(cellsOf(self), cell);
    self.send("pick", cell.dataset.at.split("-").map(Number));
  });
  table.addEventListener("keydown", (event) => {
    const cells = cellsOf(self);
    const here = cells.indexOf(event.target.closest("button"));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: size(), ArrowUp: -size() }[event.key];
    const next = step && cells[here + step];
    if (!next) return;
    event.preventDefault();
    roamIn(cells, next);
    next.focus();
  });
}
