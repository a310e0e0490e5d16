function readable(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#111" : "#fff";
}

function grid(rows, caption, marked) {
  const figure = document.createElement("figure");
  const title = document.createElement("figcaption");
  title.textContent = caption;
  const cells = document.createElement("div");
  cells.className = "grid";
  cells.classList.toggle("wide", rows[0].length > 4);
  cells.style.gridTemplateColumns = `repeat(${rows[0].length}, auto)`;
  rows.flat().forEach(({ colour, text }, i) => {
    const cell = document.createElement("span");
    cell.dataset.at = i;
    cell.textContent = text;
    if (colour) {
      cell.style.background = colour;
      cell.style.color = readable(colour);
    } else cell.className = "padding";
    if (marked && i === marked[0] * rows[0].length + marked[1]) cell.classList.add("marked");
    cells.append(cell);
  });
  figure.append(title, cells);
  return figure;
}

function sign(text, name = "operator") {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
}

function light(self, cell) {
  for (const lit of self.lines.querySelectorAll(".lit")) lit.classList.remove("lit");
  if (!cell) return;
  for (const each of cell.closest(".line").querySelectorAll(`[data-at="${cell.dataset.at}"]`)) each.classList.add("lit");
}

function build(self) {
  self.lines = self.find(".lines");
  self.lines.addEventListener("pointerover", (event) => light(self, event.target.closest("[data-at]")));
  self.lines.addEventListener("pointerleave", () => light(self, null));
}

export default function (component) {
  const self = instance(component, build);
  const { data, lines } = self;
  lines.setAttribute("aria-label", data.alt);
  lines.classList.toggle("compact", data.blocks.length > 1 && data.blocks.every(({ patch, title }) => patch.length * patch[0].length === 1 && title));
  lines.replaceChildren(
    ...data.blocks.map(({ title, patch, kernel, products, total, marked }) => {
      const line = document.createElement("div");
      line.className = "line";
      const parts = [grid(patch, data.words.patch, marked)];
      if (kernel.length) parts.push(sign("×"), grid(kernel, data.words.kernel));
      if (products.length) parts.push(sign("="), grid(products, data.words.product));
      if (total) parts.push(sign("→"), sign(total, "total"));
      line.style.setProperty("--columns", `repeat(${parts.length}, max-content)`);
      lines.style.setProperty("--compact", `repeat(${parts.length + 1}, max-content)`);
      if (title) line.append(sign(title, "title"));
      line.append(...parts);
      return line;
    }),
  );
  setWords(self, { ".rest": data.rest });
}
