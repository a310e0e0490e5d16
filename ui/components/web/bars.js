function build(self) {
  self.bars = self.find(".bars");
  walkColumn(self, self.bars);
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
  roamIn(self.bars.children, [...bars.children].find((button) => button.dataset.id === data.selected) ?? bars.children[0]);
}
