const PADLOCK = {
  shut: '<path d="M-3.2-1v-2.4a3.2 3.2 0 0 1 6.4 0V-1"/><rect x="-4.6" y="-1" width="9.2" height="7" rx="1.4"/>',
  open: '<path d="M-3.2-1v-3.4a3.2 3.2 0 0 1 6.2-1"/><rect x="-4.6" y="-1" width="9.2" height="7" rx="1.4"/>',
};

function part(open, shape, x, y) {
  return `<g class="${open ? "open" : ""}"><path class="part" d="${shape}"/><g class="lock" transform="translate(${x} ${y})">${open ? PADLOCK.open : PADLOCK.shut}</g></g>`;
}

function drawing({ image, text }) {
  return (
    '<line class="meet" x1="26" y1="9" x2="76" y2="9"/>' +
    part(image, "M8 74 L16 20 H36 L44 74Z", 26, 50) +
    part(true, "M66 20 H86 L88.5 34 H63.5Z", 76, 28) +
    part(text, "M58 74 L63 38 H89 L94 74Z", 76, 58)
  );
}

function roam(self, to) {
  for (const card of self.list.children) card.tabIndex = card === to ? 0 : -1;
}

function build(self) {
  self.list = self.find(".locks");
  const pick = (card) => {
    for (const each of self.list.children) each.setAttribute("aria-checked", each === card);
    roam(self, card);
    self.send("pick", card.dataset.id);
  };
  self.list.addEventListener("click", (event) => {
    const card = event.target.closest("button");
    if (card) pick(card);
  });
  self.list.addEventListener("keydown", (event) => {
    const cards = [...self.list.children];
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = step && cards[cards.indexOf(event.target.closest("button")) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    pick(next);
  });
}

function makeCard() {
  const card = document.createElement("button");
  card.type = "button";
  card.setAttribute("role", "radio");
  card.innerHTML =
    '<svg class="towers" viewBox="0 0 104 92" aria-hidden="true"><g></g><text x="26" y="87"></text><text x="76" y="87"></text></svg><span class="title"><i></i><span></span></span><span class="about"></span><span class="result"></span>';
  return card;
}

export default function (component) {
  const self = instance(component, build);
  const { data, list } = self;
  list.setAttribute("aria-label", data.alt);
  while (list.children.length > data.items.length) list.lastElementChild.remove();
  while (list.children.length < data.items.length) list.append(makeCard());
  data.items.forEach((item, i) => {
    const card = list.children[i];
    card.dataset.id = item.id;
    card.querySelector("svg > g").innerHTML = drawing(item); // of two booleans; no words in it
    const [image, text] = card.querySelectorAll("svg > text");
    image.textContent = data.words.image;
    text.textContent = data.words.text;
    card.querySelector(".title span").textContent = item.title;
    card.querySelector(".title i").style.background = item.colour || "transparent";
    card.querySelector(".about").textContent = item.about;
    card.querySelector(".result").textContent = item.result;
    card.setAttribute("aria-checked", item.id === data.selected);
  });
  roam(self, [...list.children].find((card) => card.dataset.id === data.selected) ?? list.children[0]);
}
