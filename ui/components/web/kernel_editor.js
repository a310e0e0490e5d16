function readable(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#111" : "#fff";
}

function paint(self, input) {
  const { colours, limit, own } = self.data;
  const share = clamp((Number(input.value) / limit + 1) / 2, 0, 1);
  const colour = colours[Math.round(share * (colours.length - 1))];
  input.style.background = colour;
  input.style.color = readable(colour);
  input.classList.toggle("changed", Number(input.value) !== own.flat()[Number(input.dataset.at)]);
}

function tell(self) {
  const width = self.data.kernel[0].length;
  const values = [...self.cells.children].map((input) => Number(input.value));
  self.send("edit", self.data.kernel.map((_, row) => values.slice(row * width, (row + 1) * width)));
}

function build(self) {
  self.cells = self.find(".cells");
  self.cells.addEventListener("input", (event) => paint(self, event.target));
  self.cells.addEventListener("change", (event) => {
    const input = event.target;
    if (input.value.trim() === "" || !Number.isFinite(Number(input.value))) input.value = self.data.kernel.flat()[Number(input.dataset.at)];
    paint(self, input);
    tell(self);
  });
}

export default function (component) {
  const self = instance(component, build);
  const { data, cells } = self;
  const [height, width] = [data.kernel.length, data.kernel[0].length];
  cells.setAttribute("aria-label", data.alt);
  cells.style.gridTemplateColumns = `repeat(${width}, auto)`;
  cells.classList.toggle("small", width > 3);
  while (cells.children.length > height * width) cells.lastElementChild.remove();
  while (cells.children.length < height * width) {
    const input = document.createElement("input");
    input.type = "number";
    input.step = "any";
    cells.append(input);
  }
  [...cells.children].forEach((input, i) => {
    const row = Math.floor(i / width);
    input.dataset.at = i;
    input.min = -1000;
    input.max = 1000;
    input.setAttribute("aria-label", data.cell.replace("{row}", row + 1).replace("{column}", (i % width) + 1));
    const value = String(data.kernel[row][i % width]);
    if (Number(input.value) !== Number(value) || input.value === "") input.value = value;
    paint(self, input);
  });
}
