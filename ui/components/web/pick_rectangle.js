const SMALLEST = 0.02; // of a side; a stroke shorter than that was a click
const round = (value) => Math.round(value * 1e4) / 1e4;

function paint(self) {
  const value = self.memory.value;
  self.rectangle.hidden = !value;
  self.stage.tabIndex = value ? -1 : 0; // one stop for the Tab key, whichever is there
  const chip = self.find(".chip");
  chip.hidden = !value;
  if (!value) return;
  const [l, t, r, b] = value;
  for (const [name, side] of [["--l", l], ["--t", t], ["--r", r], ["--b", b]]) self.rectangle.style.setProperty(name, side);
  chip.textContent = `${Math.round((r - l) * self.data.width)} × ${Math.round((b - t) * self.data.height)}`;
  chip.classList.toggle("up", b > 0.85 && l < 0.3);
}

function report(self) {
  const value = self.memory.value?.map(round) ?? null;
  if (JSON.stringify(value) === JSON.stringify(self.memory.reported ?? null)) return;
  self.memory.value = self.memory.reported = value;
  self.find(".unseen").textContent = value ? self.find(".chip").textContent : "";
  self.keep("choice", { token: `${Date.now()}-${Math.random()}`, value });
}

// The rectangle after its sides named in `sides` were pulled by (dx, dy); a side may cross its opposite.
function pulled([l, t, r, b], sides, dx, dy) {
  if (sides.includes("l")) l = clamp(l + dx, 0, 1);
  if (sides.includes("r")) r = clamp(r + dx, 0, 1);
  if (sides.includes("t")) t = clamp(t + dy, 0, 1);
  if (sides.includes("b")) b = clamp(b + dy, 0, 1);
  return [Math.min(l, r), Math.min(t, b), Math.max(l, r), Math.max(t, b)];
}

function moved([l, t, r, b], dx, dy) {
  const x = clamp(dx, -l, 1 - r);
  const y = clamp(dy, -t, 1 - b);
  return [l + x, t + y, r + x, b + y];
}

function build(self) {
  const stage = (self.stage = self.find(".stage"));
  const rectangle = (self.rectangle = self.find(".rectangle"));
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || self.drag) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    const at = within(stage, event);
    const from = self.memory.value;
    const sides = event.target.dataset?.sides;
    const change =
      sides ? (dx, dy) => pulled(from, sides, dx, dy)
      : event.target === rectangle ? (dx, dy) => moved(from, dx, dy)
      : (dx, dy) => pulled([...at, ...at], "rb", dx, dy);
    self.drag = { at, from, change, drawing: !sides && event.target !== rectangle };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!self.drag || !stage.hasPointerCapture(event.pointerId)) return;
    const [x, y] = within(stage, event);
    self.memory.value = self.drag.change(x - self.drag.at[0], y - self.drag.at[1]);
    paint(self);
  });
  const release = (event) => {
    if (!self.drag) return;
    const { drawing, from, at } = self.drag;
    self.drag = null;
    const [x, y] = within(stage, event);
    const clicked = Math.max(Math.abs(x - at[0]), Math.abs(y - at[1])) < SMALLEST / 2;
    const [l, t, r, b] = self.memory.value ?? [0, 0, 0, 0];
    if (drawing && clicked) self.memory.value = null;
    else if (r - l < SMALLEST || b - t < SMALLEST) self.memory.value = from;
    paint(self);
    if (self.memory.value) rectangle.focus({ preventScroll: true, focusVisible: false });
    report(self);
  };
  stage.addEventListener("pointerup", release);
  const abandon = () => {
    if (!self.drag) return;
    self.memory.value = self.drag.from;
    self.drag = null;
    paint(self);
  };
  stage.addEventListener("pointercancel", abandon);
  stage.addEventListener("keydown", (event) => {
    const value = self.memory.value;
    if (event.key === "Escape") return abandon();
    if (event.key === "Enter" && !value) {
      event.preventDefault();
      self.memory.value = [0.25, 0.25, 0.75, 0.75];
      paint(self);
      rectangle.focus();
      return report(self);
    }
    if (!value || self.drag) return;
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      self.memory.value = null;
      paint(self);
      stage.focus();
      return report(self);
    }
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key]?.map((direction) => direction * (event.repeat ? 0.02 : 0.01));
    if (!way) return;
    event.preventDefault();
    const next = event.shiftKey ? pulled(value, "rb", ...way) : moved(value, ...way);
    if (next[2] - next[0] < SMALLEST || next[3] - next[1] < SMALLEST) return;
    self.memory.value = next;
    self.typed = true;
    paint(self);
  });
  // Keys report when they are let go, as a drag does.
  stage.addEventListener("keyup", (event) => {
    if (!self.typed || !event.key.startsWith("Arrow")) return;
    self.typed = false;
    report(self);
  });
}

export default function (component) {
  const self = instance(component, build);
  const { data, stage } = self;
  if (self.memory.revision !== data.revision) {
    self.memory.revision = data.revision;
    self.memory.value = self.memory.reported = data.value;
    self.drag = null;
  }
  self.box.style.setProperty("--ratio", data.width / data.height);
  stage.setAttribute("aria-label", data.alt);
  self.rectangle.setAttribute("aria-label", data.alt);
  setWords(self, { ".hint": data.hint });
  show(self.find("img"), data.source);
  paint(self);
}
