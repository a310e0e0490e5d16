const BODY = '<rect x="5" y="11" width="14" height="9" rx="2"/>';
const SHUT = `${BODY}<path d="M8 11V7a4 4 0 0 1 8 0v4"/>`;
const OPEN = `${BODY}<path d="M8 11V7a4 4 0 0 1 7.6-1.8"/>`;

function build(self) {
  self.floors = self.find(".floors");
  self.floors.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.getAttribute("aria-disabled") !== "true") self.send("pick", button.dataset.id);
  });
}

function make() {
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = '<span class="blocks" aria-hidden="true"></span><svg class="lock" viewBox="0 0 24 24" aria-hidden="true"></svg><span class="name"></span><span class="about"></span><span class="unseen"></span>';
  return button;
}

export default function (component) {
  const self = instance(component, build);
  const { data, floors } = self;
  self.find(".tower").setAttribute("aria-label", data.alt);
  setWords(self, { ".input": data.words.input, ".output": data.words.output });
  while (floors.children.length > data.floors.length) floors.lastElementChild.remove();
  while (floors.children.length < data.floors.length) floors.append(make());
  data.floors.forEach((floor, i) => {
    const button = floors.children[i];
    button.dataset.id = floor.id;
    button.title = floor.told;
    button.style.setProperty("--grow", floor.blocks.length);
    button.classList.toggle("open", floor.open);
    button.classList.toggle("random", floor.random);
    button.setAttribute("aria-pressed", floor.open);
    button.setAttribute("aria-disabled", floor.fixed);
    const blocks = button.querySelector(".blocks");
    while (blocks.children.length > floor.blocks.length) blocks.lastElementChild.remove();
    while (blocks.children.length < floor.blocks.length) blocks.append(document.createElement("i"));
    floor.blocks.forEach((height, j) => { blocks.children[j].style.height = `${height * 100}%`; });
    button.querySelector(".lock").innerHTML = floor.open ? OPEN : SHUT;
    button.querySelector(".name").textContent = floor.name;
    button.querySelector(".about").textContent = floor.about;
    button.querySelector(".unseen").textContent = floor.told;
  });
}
