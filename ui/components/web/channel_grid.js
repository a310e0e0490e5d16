function mark(self, number) {
  for (const button of self.grid.children) button.setAttribute("aria-pressed", Number(button.dataset.number) === number);
}

function build(self) {
  self.grid = self.find(".grid");
  self.grid.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const number = Number(button.dataset.number);
    mark(self, number); // at once; the rerun says the same
    roamIn(self.grid.children, button);
    self.send("pick", number);
  });
  walkGrid(self.grid);
}

function make() {
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = '<img alt=""><span></span>';
  return button;
}

export default function (component) {
  const self = instance(component, build);
  const { data, grid } = self;
  grid.setAttribute("aria-label", data.alt);
  grid.classList.toggle("pixelated", data.pixelated);
  grid.classList.toggle("close", Boolean(data.columns));
  grid.style.setProperty("--columns", data.columns || 1);
  while (grid.children.length > data.items.length) grid.lastElementChild.remove();
  while (grid.children.length < data.items.length) grid.append(make());
  data.items.forEach(({ number, caption, title, source }, i) => {
    const button = grid.children[i];
    button.dataset.number = number;
    button.title = title;
    button.setAttribute("aria-label", title);
    show(button.querySelector("img"), source);
    button.querySelector("span").textContent = caption;
  });
  mark(self, data.selected);
  roamIn(self.grid.children, grid.querySelector('[aria-pressed="true"]') ?? grid.firstElementChild);
}
