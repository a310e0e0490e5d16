function mark(self, at) {
  for (const cell of cellsOf(self)) cell.setAttribute("aria-pressed", cell.dataset.at === at);
  const [i, j] = at ? at.split("-").map(Number) : [];
  self.find("table").classList.toggle("chosen", Boolean(at));
  self.box.querySelectorAll("tbody th").forEach((head, row) => head.classList.toggle("strong", row === i));
  self.box.querySelectorAll("thead th").forEach((head, column) => head.classList.toggle("strong", column === j));
}

function build(self) {
  walkTable(self, () => self.data.rows.length, mark);
}

function draw(self) {
  const { rows, words } = self.data;
  const head = document.createElement("tr");
  const corner = Object.assign(document.createElement("td"), { className: "corner", textContent: words.corner });
  head.append(corner);
  for (const { caption } of rows) {
    const cell = Object.assign(document.createElement("th"), { scope: "col", title: caption });
    cell.append(Object.assign(document.createElement("span"), { textContent: caption }));
    head.append(cell);
  }
  self.find("thead").replaceChildren(head);
  self.find("tbody").replaceChildren(
    ...rows.map(({ name, source }, i) => {
      const row = document.createElement("tr");
      const label = Object.assign(document.createElement("th"), { scope: "row", title: name });
      label.append(Object.assign(document.createElement("img"), { src: source, alt: name }));
      row.append(label);
      rows.forEach((_, j) => {
        const cell = document.createElement("td");
        cell.classList.toggle("own", i === j);
        const button = Object.assign(document.createElement("button"), { type: "button" });
        button.dataset.at = `${i}-${j}`;
        cell.append(button);
        row.append(cell);
      });
      return row;
    }),
  );
}

const parsed = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

function between(colours, share) {
  const at = clamp(share, 0, 1) * (colours.length - 1);
  const low = Math.min(Math.floor(at), colours.length - 2);
  const [a, b] = [parsed(colours[low]), parsed(colours[low + 1])];
  return a.map((value, k) => Math.round(value + (at - low) * (b[k] - value)));
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  self.find("caption").textContent = data.alt;
  const shape = JSON.stringify(data.rows.map(({ name, caption, source }) => [name, caption, source.length])) + data.words.corner;
  if (self.shape !== shape) draw(self);
  self.shape = shape;
  const table = self.find("table");
  table.classList.toggle("empty", !data.shares);
  self.find(".legend").hidden = !data.shares;
  for (const cell of cellsOf(self)) cell.disabled = !data.shares;
  (data.shares ?? []).forEach((row, i) =>
    row.forEach((share, j) => {
      const cell = self.box.querySelector(`[data-at="${i}-${j}"]`);
      const [r, g, b] = between(data.colours, share);
      cell.style.setProperty("--c", `rgb(${r} ${g} ${b})`);
      cell.classList.toggle("bright", 0.299 * r + 0.587 * g + 0.114 * b > 140);
      if (cell.textContent !== data.numbers[i][j]) cell.textContent = data.numbers[i][j];
      const told = data.words.cell
        .replace("{picture}", () => data.rows[i].name)
        .replace("{caption}", () => data.rows[j].caption)
        .replace("{number}", () => data.numbers[i][j]);
      cell.title = told;
      cell.setAttribute("aria-label", told);
    }),
  );
  self.find(".legend > i").style.background = `linear-gradient(to right, ${data.colours.join(", ")})`;
  setWords(self, { ".low": data.words.low, ".high": data.words.high });
  const at = data.selected ? data.selected.join("-") : null;
  mark(self, at);
  roamIn(cellsOf(self), self.box.querySelector('[aria-pressed="true"]') ?? cellsOf(self)[0]);
}
