function mark(self, at) {
  for (const cell of cellsOf(self)) cell.setAttribute("aria-pressed", cell.dataset.at === at);
}

function build(self) {
  walkTable(self, () => self.data.names.length, mark);
}

function draw(self) {
  const { names, words } = self.data;
  const head = document.createElement("tr");
  const corner = document.createElement("td");
  corner.className = "corner";
  head.append(corner);
  for (const name of names) head.append(Object.assign(document.createElement("th"), { scope: "col", textContent: name, title: name }));
  self.find("thead").replaceChildren(head);
  const rows = names.map((name, i) => {
    const row = document.createElement("tr");
    row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: name, title: name }));
    names.forEach((_, j) => {
      const cell = document.createElement("td");
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.dataset.at = `${i}-${j}`;
      cell.append(button);
      row.append(cell);
    });
    return row;
  });
  self.find("tbody").replaceChildren(...rows);
  corner.textContent = `${words.true} ↓  ${words.named} →`;
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  const table = self.find("table");
  self.find("caption").textContent = data.alt;
  const shape = JSON.stringify([data.names, data.words]);
  if (self.shape !== shape) draw(self);
  self.shape = shape;
  const many = data.names.length > 8;
  table.classList.toggle("many", many);
  table.style.setProperty("--n", data.names.length);
  table.style.setProperty("--cell", many ? "2rem" : "3.1rem");
  data.counts.forEach((row, i) => {
    const total = Math.max(1, row.reduce((sum, one) => sum + one, 0));
    row.forEach((count, j) => {
      const cell = self.box.querySelector(`[data-at="${i}-${j}"]`);
      const share = count / total;
      cell.style.setProperty("--colour", i === j ? "var(--positive)" : "var(--negative)");
      cell.style.setProperty("--strength", `${count ? 15 + 80 * share : 0}%`);
      cell.classList.toggle("none", !count);
      cell.classList.toggle("strong", count > 0 && share > 0.45);
      const sign = count ? Object.assign(document.createElement("span"), { className: "sign", textContent: i === j ? "✓" : "✗" }) : "";
      cell.replaceChildren(sign, String(count));
      const told = data.words.cell.replace("{count}", count).replace("{true}", () => data.names[i]).replace("{named}", () => data.names[j]);
      cell.setAttribute("aria-label", told);
      cell.title = told;
    });
  });
  const at = data.selected ? data.selected.join("-") : null;
  mark(self, at);
  roamIn(cellsOf(self), self.box.querySelector('[aria-pressed="true"]') ?? cellsOf(self)[0]);
}
