function roam(self, to) {
  for (const button of self.bars.children) button.tabIndex = button === to ? 0 : -1;
}

function build(self) {
  self.bars = self.find(".bars");
  self.bars.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || self.data.still) return;
    for (const each of self.bars.children) each.setAttribute("aria-checked", each === button);
    roam(self, button);
    self.send("pick", button.dataset.id);
  });
  self.bars.addEventListener("keydown", (event) => {
    const buttons = [...self.bars.children];
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const next = step && buttons[buttons.indexOf(event.target.closest("button")) + step];
    if (!next) return;
    event.preventDefault();
    roam(self, next);
    next.focus();
  });
}

function makeBar() {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "radio");
  button.innerHTML = '<span class="names"><span></span><small></small></span><span class="share"></span><span class="track" aria-hidden="true"><i></i></span>';
  return button;
}

export default function (component) {
  const self = instance(component, build);
  const { data, bars } = self;
  bars.setAttribute("aria-label", data.alt);
  bars.classList.toggle("still", data.still);
  bars.classList.toggle("compact", Boolean(data.compact));
  while (bars.children.length > data.items.length) bars.lastElementChild.remove();
  while (bars.children.length < data.items.length) bars.append(makeBar());
  data.items.forEach(({ id, name, other, share, text }, i) => {
    const button = bars.children[i];
    button.dataset.id = id;
    button.title = other ? `${name} · ${other}` : name;
    button.querySelector(".names > span").textContent = name;
    button.querySelector("small").textContent = other;
    button.querySelector(".share").textContent = text;
    button.querySelector("i").style.width = `${share * 100}%`;
    button.setAttribute("aria-checked", id === data.selected);
  });
  roam(self, [...bars.children].find((button) => button.dataset.id === data.selected) ?? bars.children[0]);
}
