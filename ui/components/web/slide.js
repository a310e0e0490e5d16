function paint(self) {
  const { data, at } = self;
  const total = data.size + data.before + data.behind;
  const [row, column] = [Math.floor(at / (data.output || 1)), at % (data.output || 1)];
  const [top, left] = [row * data.stride, column * data.stride];
  const reach = data.dilation * (data.kernel - 1);
  const hits = (start, place) => place >= start && place <= start + reach && (place - start) % data.dilation === 0;
  [...self.input.children].forEach((cell, i) => {
    const [y, x] = [Math.floor(i / total), i % total];
    const within = data.output > 0 && y >= top && y <= top + reach && x >= left && x <= left + reach;
    cell.classList.toggle("read", within && hits(top, y) && hits(left, x));
    cell.classList.toggle("within", within);
  });
  [...self.output.children].forEach((cell, i) => {
    cell.classList.toggle("done", i < at);
    cell.classList.toggle("now", i === at);
  });
  self.find(".told").textContent = data.output ? data.words.cell.replace("{row}", row).replace("{column}", column) : "";
}

function tick(self) {
  if (self.memory.paused || !self.data.output || !self.input.isConnected) return;
  self.at = (self.at + 1) % self.data.output ** 2;
  paint(self);
}

function pause(self, paused) {
  self.memory.paused = paused;
  self.find(".play").textContent = self.data.words[paused ? "play" : "pause"];
}

function build(self) {
  self.input = self.find(".in .cells");
  self.output = self.find(".out .cells");
  self.at = 0;
  if (STILL) self.memory.paused ??= true;
  self.find(".play").addEventListener("click", () => pause(self, !self.memory.paused));
  const stop = (event) => {
    const at = [...self.output.children].indexOf(event.target);
    if (at < 0) return;
    pause(self, true);
    self.at = at;
    paint(self);
  };
  self.output.addEventListener("pointerover", stop);
  self.output.addEventListener("click", stop);
}

function fill(grid, count, columns, name) {
  while (grid.children.length > count) grid.lastElementChild.remove();
  while (grid.children.length < count) grid.append(document.createElement("i"));
  grid.style.gridTemplateColumns = `repeat(${columns}, auto)`;
  [...grid.children].forEach((cell, i) => { cell.className = name(i); });
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  const total = data.size + data.before + data.behind;
  const last = (data.output - 1) * data.stride + data.dilation * (data.kernel - 1);
  const side = Math.min(26, Math.floor(300 / Math.max(total, 1)));
  self.box.style.setProperty("--cell", `${side}px`);
  fill(self.input, total ** 2, total, (i) => {
    const places = [Math.floor(i / total), i % total];
    const padding = places.some((place) => place < data.before || place >= data.before + data.size);
    const unread = !data.output || places.some((place) => place > last);
    return `${padding ? "padding" : ""} ${unread ? "unread" : ""}`;
  });
  fill(self.output, data.output ** 2, Math.max(data.output, 1), () => "");
  self.input.setAttribute("aria-label", data.alt);
  self.find(".in figcaption").textContent = data.words.input;
  self.find(".out figcaption").textContent = data.words.output;
  self.at = Math.min(self.at, Math.max(0, data.output ** 2 - 1));
  pause(self, Boolean(self.memory.paused));
  paint(self);
  clearInterval(self.timer);
  self.timer = setInterval(() => tick(self), 450);
  return () => clearInterval(self.timer);
}
