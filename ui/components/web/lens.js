function build(self) {
  self.body = self.find("tbody");
  self.body.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) self.send("pick", Number(button.dataset.column));
  });
  self.body.addEventListener("keydown", (event) => {
    const here = event.target.closest("button");
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!here || !move) return;
    const [row, column] = [Number(here.dataset.row) + move[0], Number(here.dataset.column) + move[1]];
    const next = self.body.querySelector(`[data-row="${row}"][data-column="${column}"]`);
    if (!next) return;
    event.preventDefault();
    roamIn(self.buttons, next);
    next.focus();
  });
}

function line(kind, head, texts) {
  const row = document.createElement("tr");
  row.className = kind;
  row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: head }));
  for (const text of texts) row.append(Object.assign(document.createElement("td"), { textContent: text, title: text }));
  return row;
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  const { words } = data;
  self.find("caption").textContent = data.alt;
  const drawn = JSON.stringify([data.rows, data.tokens, data.came, words]);
  if (self.drawn !== drawn) {
    self.drawn = drawn;
    const rows = data.rows.map(([name, guesses], at) => {
      const row = line("", name, []);
      guesses.forEach(([guess, share, told, right], column) => {
        const cell = document.createElement("td");
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.row = at;
        button.dataset.column = column;
        button.textContent = guess;
        button.className = `${share > 0.55 ? "strong" : ""} ${right ? "right" : ""}`;
        button.style.setProperty("--share", share.toFixed(3));
        button.title = words.cell.replace("{layer}", () => name).replace("{guess}", () => guess).replace("{share}", told);
        button.setAttribute("aria-label", button.title);
        cell.append(button);
        row.append(cell);
      });
      return row;
    });
    self.body.replaceChildren(line("came", words.came, data.came), ...rows, line("read", words.read, data.tokens));
    const scroll = self.find(".scroll");
    scroll.scrollLeft = scroll.scrollWidth;
  }
  self.buttons = [...self.body.querySelectorAll("button")];
  for (const button of self.buttons) button.parentElement.classList.toggle("here", Number(button.dataset.column) === data.selected);
  roamIn(self.buttons, self.body.querySelector(`[data-row="0"][data-column="${data.selected}"]`));
}
