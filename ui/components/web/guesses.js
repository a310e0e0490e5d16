function mark(self, id) {
  for (const button of self.cards.children) button.setAttribute("aria-pressed", button.dataset.id === id);
}

function build(self) {
  self.cards = self.find(".guesses");
  self.cards.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || self.data.still) return;
    mark(self, button.dataset.id);
    roamIn(self.cards.children, button);
    self.send("pick", button.dataset.id);
  });
  walkGrid(self.cards);
}

function make() {
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML =
    '<img alt=""><span class="text"></span><span class="named"><b></b><span></span></span>' +
    '<span class="share"><span></span><svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true"><line x1="0" y1="100" x2="100" y2="100"/><path/></svg></span>';
  return button;
}

function line(history) {
  const last = Math.max(1, history.length - 1);
  return history.map((share, i) => `${i ? "L" : "M"}${((100 * i) / last).toFixed(2)} ${(100 - 100 * share).toFixed(2)}`).join("");
}

export default function (component) {
  const self = instance(component, build);
  const { data, cards } = self;
  cards.setAttribute("aria-label", data.alt);
  cards.classList.toggle("still", data.still);
  cards.classList.toggle("written", data.items.some((item) => !item.source));
  cards.style.setProperty("--columns", data.columns);
  while (cards.children.length > data.items.length) cards.lastElementChild.remove();
  while (cards.children.length < data.items.length) cards.append(make());
  data.items.forEach(({ id, source, text, named, share, right, told, history }, i) => {
    const button = cards.children[i];
    button.dataset.id = id;
    button.title = told;
    button.setAttribute("aria-label", told);
    button.classList.toggle("wrong", !right);
    const img = button.querySelector("img");
    img.hidden = !source;
    if (source) show(img, source);
    const words = button.querySelector(".text");
    words.hidden = Boolean(source);
    words.textContent = text;
    button.querySelector(".named b").textContent = right ? "✓" : "✗";
    button.querySelector(".named span").textContent = named;
    button.querySelector(".share > span").textContent = share;
    const drawing = button.querySelector("svg");
    drawing.style.visibility = history.length > 1 ? "visible" : "hidden";
    button.querySelector("path").setAttribute("d", line(history));
  });
  mark(self, data.selected);
  roamIn(self.cards.children, cards.querySelector('[aria-pressed="true"]') ?? cards.children[0]);
}
