function build(self) {
  self.list = self.find(".flow");
  self.list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) self.send("pick", button.dataset.id);
  });
}

function makeStation() {
  const item = document.createElement("li");
  item.innerHTML = '<button type="button"><span class="tiles"></span><span class="title"></span><span class="caption"></span></button>';
  return item;
}

export default function (component) {
  const self = instance(component, build);
  const { data, list } = self;
  list.setAttribute("aria-label", data.alt);
  while (list.children.length > data.items.length) list.lastElementChild.remove();
  while (list.children.length < data.items.length) list.append(makeStation());
  data.items.forEach(({ id, title, caption, sources, pixelated }, i) => {
    const station = list.children[i];
    station.querySelector("button").dataset.id = id;
    const tiles = station.querySelector(".tiles");
    tiles.classList.toggle("four", sources.length > 1);
    tiles.classList.toggle("pixelated", pixelated);
    while (tiles.children.length > sources.length) tiles.lastElementChild.remove();
    while (tiles.children.length < sources.length) tiles.append(Object.assign(document.createElement("img"), { alt: "" }));
    sources.forEach((source, j) => show(tiles.children[j], source));
    station.querySelector(".title").textContent = title;
    station.querySelector(".caption").textContent = caption;
  });
}
