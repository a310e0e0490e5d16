function paint(self) {
  const alone = self.memory.alone || self.held;
  self.box.style.setProperty("--heat", alone ? 0 : self.memory.opacity);
  self.range.style.setProperty("--fill", `${self.memory.opacity * 100}%`);
  self.range.value = Math.round(self.memory.opacity * 100);
  self.range.setAttribute("aria-valuetext", `${self.range.value}%`);
  self.button.setAttribute("aria-pressed", Boolean(self.memory.alone));
}

function build(self) {
  self.stage = self.find(".stage");
  self.range = self.find("input");
  self.button = self.find(".alone");
  self.range.addEventListener("input", () => {
    self.memory.opacity = self.range.value / 100;
    self.memory.alone = false;
    self.box.classList.add("dialling");
    paint(self);
  });
  self.range.addEventListener("change", () => self.box.classList.remove("dialling"));
  self.button.addEventListener("click", () => {
    self.memory.alone = !self.memory.alone;
    paint(self);
  });
  // Held down anywhere on the picture: the photo alone for as long.
  self.stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    self.held = true;
    paint(self);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    self.stage.addEventListener(end, () => {
      self.held = false;
      paint(self);
    });
  }
  self.stage.addEventListener("contextmenu", (event) => { if (self.held) event.preventDefault(); });
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  self.box.style.setProperty("--ratio", data.width / data.height);
  self.find(".photo").alt = data.alt;
  show(self.find(".photo"), data.photo);
  show(self.find(".heat"), data.heat);
  const [left, top, right, bottom] = data.seen;
  Object.assign(self.find(".seen").style, {
    left: `${left * 100}%`, top: `${top * 100}%`, right: `${(1 - right) * 100}%`, bottom: `${(1 - bottom) * 100}%`,
  });
  self.find(".bar").style.background = `linear-gradient(to right, ${data.colours.join(", ")})`;
  setWords(self, { ".low": data.low, ".high": data.high, ".name": data.label, ".alone": data.alone });
  self.memory.opacity ??= data.opacity;
  paint(self);
}
