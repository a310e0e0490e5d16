const ICONS = {
  pictures: '<rect x="3" y="5" width="13" height="13" rx="2"/><path d="M8 2h11a2 2 0 0 1 2 2v11M3 14l4-4 4 4 2-2 3 3"/>',
  zip: '<path d="M12 3v11m0 0-4-4m4 4 4-4"/><path d="M4 15v4a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-4"/>',
  texts: '<path d="M4 6h16M4 11h16M4 16h9"/><path d="m15 20 5-5 1.5 1.5-5 5H15z"/>',
};

function roam(self, to) {
  for (const button of self.row.children) button.tabIndex = button === to ? 0 : -1;
}

function mark(self, id) {
  for (const button of self.row.children) button.setAttribute("aria-pressed", button.dataset.id === id);
}

function build(self) {
  self.row = self.find(".sets");
  self.row.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    mark(self, button.dataset.id);
    roam(self, button);
    self.send("pick", button.dataset.id);
  });
  self.row.addEventListener("keydown", (event) => {
    const buttons = [...self.row.children];
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = step && buttons[buttons.indexOf(event.target.closest("button")) + step];
    if (!next) return;
    event.preventDefault();
    roam(self, next);
    next.focus();
  });
}

function make() {
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = '<span class="tiles" aria-hidden="true"></span><span class="title"></span><span class="caption"></span>';
  return button;
}

function fill(tiles, { sources, lines, icon }) {
  const wanted = JSON.stringify([sources, lines, icon]);
  if (tiles.wanted === wanted) return;
  tiles.wanted = wanted;
  tiles.replaceChildren();
  tiles.classList.toggle("written", lines.length > 0);
  for (const source of sources) tiles.append(Object.assign(document.createElement("img"), { alt: "", src: source }));
  for (const line of lines) tiles.append(Object.assign(document.createElement("p"), { textContent: line }));
  if (ICONS[icon]) tiles.innerHTML = `<svg viewBox="0 0 24 24">${ICONS[icon]}</svg>`;
}

export default function (component) {
  const self = instance(component, build);
  const { data, row } = self;
  row.setAttribute("aria-label", data.alt);
  while (row.children.length > data.items.length) row.lastElementChild.remove();
  while (row.children.length < data.items.length) row.append(make());
  data.items.forEach((item, i) => {
    const button = row.children[i];
    button.dataset.id = item.id;
    fill(button.querySelector(".tiles"), item);
    button.querySelector(".title").textContent = item.title;
    button.querySelector(".caption").textContent = item.caption;
  });
  mark(self, data.selected);
  roam(self, row.querySelector('[aria-pressed="true"]') ?? row.children[0]);
}
