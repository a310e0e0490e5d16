function place(self, share) {
  const { data } = self;
  self.memory.share = clamp(share, 0, 1);
  const percent = Math.round(self.memory.share * 100);
  self.stage.style.setProperty("--at", `${self.memory.share * 100}%`);
  self.line.setAttribute("aria-valuenow", percent);
  self.line.setAttribute("aria-valuetext", `${data.before.label} ${percent}%, ${data.after.label} ${100 - percent}%`);
}

function build(self) {
  self.stage = self.find(".stage");
  self.line = self.find(".line");
  self.stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    self.stage.setPointerCapture(event.pointerId);
    self.line.focus({ preventScroll: true, focusVisible: false });
    event.preventDefault();
    // A finger may be about to scroll the page: the line waits until it goes sideways, or is a tap.
    self.waits = event.pointerType === "touch" ? event.clientX : null;
    if (self.waits === null) place(self, within(self.stage, event)[0]);
  });
  self.stage.addEventListener("pointermove", (event) => {
    if (!self.stage.hasPointerCapture(event.pointerId)) return;
    if (self.waits !== null && Math.abs(event.clientX - self.waits) < 6) return;
    self.waits = null;
    place(self, within(self.stage, event)[0]);
  });
  self.stage.addEventListener("pointerup", (event) => {
    if (self.waits !== null && self.stage.hasPointerCapture(event.pointerId)) place(self, within(self.stage, event)[0]);
  });
  self.line.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.1 : 0.02;
    const share = self.memory.share;
    const target = {
      ArrowLeft: share - step, ArrowDown: share - step, ArrowRight: share + step, ArrowUp: share + step,
      PageDown: share - 0.1, PageUp: share + 0.1, Home: 0, End: 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    place(self, target);
  });
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  self.stage.style.setProperty("--ratio", data.width / data.height);
  self.stage.classList.toggle("pixelated", data.pixelated);
  self.stage.setAttribute("aria-label", data.alt);
  self.line.setAttribute("aria-label", data.alt);
  for (const side of ["before", "after"]) {
    const img = self.find(`img.${side}`);
    img.alt = data[side].label;
    show(img, data[side].source);
  }
  setWords(self, { ".left": data.before.label, ".right": data.after.label });
  place(self, self.memory.share ?? data.position);
}
