function mark(self, id) {
  self.row.classList.toggle("chosen", id !== null);
  for (const button of self.row.children) button.setAttribute("aria-pressed", button.dataset.id === id);
  const home = [...self.row.children].find((button) => button.dataset.id === id) ?? self.row.children[0];
  roam(self, home);
}

// One stop of the Tab key for the whole row; the arrow keys go from picture to picture.
function roam(self, to) {
  for (const button of self.row.children) button.tabIndex = button === to ? 0 : -1;
}

function edges(self) {
  const { row } = self;
  row.classList.toggle("goes-left", !self.data.wrap && row.scrollLeft > 8);
  row.classList.toggle("goes-right", !self.data.wrap && row.scrollLeft + row.clientWidth < row.scrollWidth - 8);
}

function build(self) {
  self.row = self.find(".row");
  self.row.addEventListener("scroll", () => edges(self), { passive: true });
  self.sized = new ResizeObserver(() => edges(self));
  self.sized.observe(self.row);
  for (const [side, way] of [[".left", -1], [".right", 1]]) {
    self.find(side).addEventListener("mousedown", (event) => event.preventDefault()); // for mice only: takes no focus
    self.find(side).addEventListener("click", () => self.row.scrollBy({ left: way * self.row.clientWidth * 0.8 }));
  }
  self.row.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (self.data.selected !== null) mark(self, button.dataset.id); // at once; the rerun says the same
    self.send("pick", button.dataset.id);
  });
  self.row.addEventListener("keydown", (event) => {
    const buttons = [...self.row.children];
    const here = buttons.indexOf(event.target.closest("button"));
    const perRow = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
    const target = {
      ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - perRow, ArrowDown: here + perRow,
      Home: 0, End: buttons.length - 1,
    }[event.key];
    if (here < 0 || target === undefined || !buttons[target]) return;
    event.preventDefault();
    roam(self, buttons[target]);
    buttons[target].focus();
  });
}

function makeButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = '<span class="frame"><img loading="lazy"></span><span class="name"></span>';
  return button;
}

export default function (component) {
  const self = instance(component, build);
  const { data, row } = self;
  row.setAttribute("aria-label", data.alt);
  row.classList.toggle("wrap", data.wrap);
  row.classList.toggle("pixelated", data.pixelated);
  row.style.setProperty("--columns", data.columns);
  while (row.children.length > data.items.length) row.lastElementChild.remove();
  while (row.children.length < data.items.length) row.append(makeButton());
  data.items.forEach(({ id, caption, alt, source }, i) => {
    const button = row.children[i];
    button.dataset.id = id;
    button.querySelector("img").alt = alt === caption ? "" : alt;
    show(button.querySelector("img"), source);
    const name = button.querySelector(".name");
    name.textContent = caption;
    name.hidden = !caption;
  });
  mark(self, data.selected);
  // Bring the chosen one into the row's view, once for each choice, without moving the page.
  const chosen = row.querySelector('[aria-pressed="true"]');
  if (chosen && !data.wrap && self.seen !== data.selected) {
    const [left, right] = [chosen.offsetLeft - row.offsetLeft, chosen.offsetLeft - row.offsetLeft + chosen.offsetWidth];
    if (left < row.scrollLeft || right > row.scrollLeft + row.clientWidth) row.scrollLeft = left - (row.clientWidth - chosen.offsetWidth) / 2;
  }
  self.seen = data.selected;
  edges(self);
  return () => self.sized.disconnect();
}
