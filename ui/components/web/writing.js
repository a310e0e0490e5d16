const PAUSE = 600; // ms without a key after which what stands there is sent

// As high as its text, up to so many lines; then it scrolls.
function grow(self) {
  const { area, data } = self;
  area.style.height = "auto";
  const style = getComputedStyle(area);
  const padding = parseFloat(style.paddingTop) + parseFloat(style.paddingBottom);
  const most = parseFloat(style.lineHeight) * data.lines + padding;
  area.style.height = `${Math.min(area.scrollHeight, most)}px`;
  area.style.overflowY = area.scrollHeight > most + 1 ? "auto" : "hidden";
  self.find(".clear").hidden = !area.value;
}

function send(self) {
  clearTimeout(self.waiting);
  const { memory, area } = self;
  if (memory.value === area.value) return;
  memory.value = area.value;
  self.keep("choice", { token: `${Date.now()}-${Math.random()}`, value: area.value });
}

function build(self) {
  const area = (self.area = self.find("textarea"));
  area.addEventListener("input", (event) => {
    grow(self);
    clearTimeout(self.waiting);
    if (!event.isComposing) self.waiting = setTimeout(() => send(self), PAUSE); // not amid a Chinese word
  });
  area.addEventListener("compositionend", () => {
    clearTimeout(self.waiting);
    self.waiting = setTimeout(() => send(self), PAUSE);
  });
  area.addEventListener("blur", () => send(self));
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send(self);
  });
  self.find(".clear").addEventListener("click", () => {
    area.value = "";
    grow(self);
    send(self);
    area.focus();
  });
  self.sized = new ResizeObserver(([entry]) => {
    const wide = Math.round(entry.contentRect.width);
    if (wide === self.wide) return;
    self.wide = wide;
    grow(self);
  });
  self.sized.observe(area);
}

export default function (component) {
  const self = instance(component, build);
  const { data, area, memory } = self;
  area.maxLength = data.most;
  area.setAttribute("aria-label", data.label);
  area.placeholder = data.placeholder;
  const clear = self.find(".clear");
  clear.title = data.clear;
  clear.setAttribute("aria-label", data.clear);
  self.find(".field").classList.toggle("strong", data.strong);
  setWords(self, { ".hint": data.hint });
  if (memory.revision !== data.revision || self.fresh === undefined) {
    // A new word of the page, or the field was taken down and put up again.
    const changed = memory.revision !== data.revision;
    memory.revision = data.revision;
    if (changed) memory.value = data.value ?? "";
    clearTimeout(self.waiting);
    area.value = memory.value ?? "";
  }
  self.fresh = false;
  grow(self);
  return () => {
    self.sized.disconnect();
    clearTimeout(self.waiting);
  };
}
