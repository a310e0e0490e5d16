function roam(self, to) {
  for (const button of self.grid.children) button.tabIndex = button === to ? 0 : -1;
}

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
    roam(self, button);
    self.send("pick", number);
  });
  self.grid.addEventListener("keydown", (event) => {
    const buttons = [...self.grid.children];
    const here = buttons.indexOf(event.target.closest("button"));
    const row = buttons.filter((button) => button.offsetTop === buttons[0].offsetTop).length;
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, ArrowUp: here - row, ArrowDown: here + row, Home: 0, End: buttons.length - 1 }[event.key];
    if (here < 0 || to === undefined || !buttons[to]) return;
    event.preventDefault();
    roam(self, buttons[to]);
    buttons[to].focus();
  });
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
  roam(self, grid.querySelector('[aria-pressed="true"]') ?? grid.firstElementChild);
}
