// The picture is a raster of cells: its own pixels, or the coarser grid that the page asks for.
const cellOf = ({ data }, [x, y]) => [
  Math.floor(((x + 0.5) * data.columns) / data.width),
  Math.floor(((y + 0.5) * data.rows) / data.height),
];
const pixelOf = ({ data }, [column, row]) => [
  Math.floor(((column + 0.5) * data.width) / data.columns),
  Math.floor(((row + 0.5) * data.height) / data.rows),
];
const inWords = ({ data }, [x, y]) => data.coordinates.replace("{x}", x).replace("{y}", y);

function paint(self) {
  const { stage, cursor, memory, data } = self;
  const mark = memory.value ? cellOf(self, memory.value) : null;
  self.find(".mark").hidden = !mark;
  self.find(".cursor").hidden = !cursor;
  for (const [name, value] of [["--x", mark?.[0]], ["--y", mark?.[1]], ["--cx", cursor?.[0]], ["--cy", cursor?.[1]]]) {
    if (value !== undefined) stage.style.setProperty(name, value);
  }
  const chip = self.find(".chip");
  const told = cursor ? pixelOf(self, cursor) : memory.value;
  chip.hidden = !told;
  if (!told) return;
  chip.textContent = inWords(self, told);
  const [column, row] = cursor ?? mark;
  chip.classList.toggle("up", column < data.columns / 2 && row > data.rows * 0.7); // never over what it tells
}

function choose(self, cell) {
  self.memory.value = pixelOf(self, cell);
  self.find(".unseen").textContent = inWords(self, self.memory.value);
  self.keep("choice", { token: `${Date.now()}-${Math.random()}`, value: self.memory.value });
  paint(self);
}

function under(self, event) {
  const [left, top] = within(self.stage, event);
  const { columns, rows } = self.data;
  return [Math.min(columns - 1, Math.floor(left * columns)), Math.min(rows - 1, Math.floor(top * rows))];
}

function build(self) {
  const stage = (self.stage = self.find(".stage"));
  // A mouse gives the pixel that was told under it: a click's own place is rounded to whole screen pixels.
  stage.addEventListener("click", (event) => {
    choose(self, (event.pointerType === "mouse" && self.cursor) || under(self, event));
  });
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    self.cursor = under(self, event);
    paint(self);
  });
  const leave = () => {
    self.cursor = null;
    paint(self);
  };
  stage.addEventListener("pointerleave", leave);
  stage.addEventListener("blur", leave);
  stage.addEventListener("keydown", (event) => {
    const { columns, rows } = self.data;
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (way) {
      event.preventDefault();
      // A key held down goes faster and faster, so that a large photo is crossed in a second or two.
      self.held = event.repeat ? self.held + 1 : 0;
      const step = (event.shiftKey ? 10 : 1) * Math.min(1 + Math.floor(self.held / 6), Math.ceil(columns / 50));
      const from = self.cursor ?? (self.memory.value ? cellOf(self, self.memory.value) : [columns >> 1, rows >> 1]);
      self.cursor = [clamp(from[0] + way[0] * step, 0, columns - 1), clamp(from[1] + way[1] * step, 0, rows - 1)];
      self.find(".unseen").textContent = inWords(self, pixelOf(self, self.cursor));
      paint(self);
    } else if ((event.key === "Enter" || event.key === " ") && self.cursor) {
      event.preventDefault();
      choose(self, self.cursor);
    } else if (event.key === "Escape" && self.cursor) {
      leave();
    }
  });
}

export default function (component) {
  const self = instance(component, build);
  const { data, stage } = self;
  [data.columns, data.rows] = data.grid ?? [data.width, data.height];
  if (self.memory.revision !== data.revision) {
    self.memory.revision = data.revision;
    self.memory.value = data.value;
  }
  self.cursor = null;
  self.box.style.setProperty("--ratio", data.width / data.height);
  stage.style.setProperty("--columns", data.columns);
  stage.style.setProperty("--rows", data.rows);
  stage.classList.toggle("pixelated", data.pixelated);
  stage.classList.toggle("fine", Math.max(data.columns, data.rows) > 48);
  stage.setAttribute("aria-label", data.alt);
  self.find(".lines").hidden = !data.grid;
  setWords(self, { ".hint": data.hint });
  show(self.find("img"), data.source);
  paint(self);
}
