// A curve from the right side of one box to the left side of another, both relative to the whole picture.
function curve(from, to) {
  const middle = (from.right + to.left) / 2;
  return `M${from.right} ${from.y}C${middle} ${from.y} ${middle} ${to.y} ${to.left} ${to.y}`;
}

function places(self) {
  const frame = self.net.getBoundingClientRect();
  const box = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return { left: left - frame.left, right: right - frame.left, y: (top + bottom) / 2 - frame.top };
  };
  return [...self.columns.children].map((column) => ({
    maps: [...column.querySelectorAll(".map, .class")].map(box),
    ...box(column),
  }));
}

const pairs = (links, from, to) =>
  links === "all" ? from.flatMap((_, i) => to.map((_, j) => [i, j])) : links.filter(([i, j]) => from[i] && to[j]);

function draw(self) {
  const { data } = self;
  const found = places(self);
  self.places = found;
  const links = [...data.columns.map((column) => column.links), data.classLinks];
  const paths = [];
  for (let c = 1; c < found.length; c += 1) {
    const [from, to] = [found[c - 1].maps, found[c].maps];
    const d = pairs(links[c], from, to).map(([i, j]) => curve(from[i], to[j])).join("");
    paths.push(`<path class="${links[c] === "all" ? "all" : "own"}" d="${d}"/>`);
  }
  self.svg.innerHTML = `${paths.join("")}<path class="hot"/>`;
  self.links = links;
  light(self, self.hovered ?? spot(self));
  const marker = self.find(".marker");
  const between = data.place % 1 !== 0;
  marker.hidden = !between;
  if (between) {
    const before = found[Math.floor(data.place)];
    const behind = found[Math.ceil(data.place)] ?? found.at(-1);
    marker.style.left = `${(before.right + behind.left) / 2 - 1}px`;
    marker.firstElementChild.textContent = data.words.here;
  }
}

// Where the chosen map stands: [column, map], or null.
function spot(self) {
  const [layer, channel] = self.data.chosen;
  const column = self.data.columns.findIndex((each) => each.layer === layer);
  const map = column < 0 ? -1 : self.data.columns[column].maps.findIndex((each) => each.channel === channel);
  return map < 0 ? null : [column, map];
}

// The curves that lead into a map, and those that lead on from it.
function light(self, at) {
  const hot = self.svg.querySelector(".hot");
  if (!hot) return;
  if (!at) return hot.setAttribute("d", "");
  const [column, map] = at;
  const { places: found, links } = self;
  const lines = [];
  if (column > 0) {
    const [from, to] = [found[column - 1].maps, found[column].maps];
    for (const [i, j] of pairs(links[column], from, to)) if (j === map) lines.push(curve(from[i], to[j]));
  }
  if (found[column + 1]) {
    const [from, to] = [found[column].maps, found[column + 1].maps];
    for (const [i, j] of pairs(links[column + 1], from, to)) if (i === map) lines.push(curve(from[i], to[j]));
  }
  hot.setAttribute("d", lines.join(""));
}

function where(self, element) {
  const column = element.closest(".column");
  const index = [...self.columns.children].indexOf(column);
  return [index, [...column.querySelectorAll(".map, .class")].indexOf(element)];
}

function press(self, button) {
  for (const each of self.columns.querySelectorAll(".map")) each.setAttribute("aria-pressed", each === button);
}

function roam(self, to) {
  for (const each of self.columns.querySelectorAll(".map")) each.tabIndex = each === to ? 0 : -1;
}

// The forward pass: the columns appear one after another.
function play(self) {
  clearTimeout(self.timer);
  const columns = [...self.columns.children];
  self.net.classList.add("playing");
  columns.forEach((column) => column.classList.add("waiting"));
  const step = (index) => {
    if (index === columns.length) {
      self.net.classList.remove("playing");
      return;
    }
    columns[index].classList.remove("waiting");
    const scroll = self.find(".scroll");
    const right = columns[index].offsetLeft + columns[index].offsetWidth;
    if (right > scroll.scrollLeft + scroll.clientWidth) scroll.scrollTo({ left: right - scroll.clientWidth / 2, behavior: STILL ? "instant" : "smooth" });
    self.timer = setTimeout(() => step(index + 1), 320);
  };
  self.find(".scroll").scrollTo({ left: 0 });
  step(0);
}

function build(self) {
  self.net = self.find(".net");
  self.svg = self.find(".net > svg");
  self.columns = self.find(".columns");
  self.sized = new ResizeObserver(() => draw(self));
  self.sized.observe(self.net);
  self.find(".play").addEventListener("click", () => play(self));
  self.columns.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const column = self.data.columns[where(self, button)[0]];
    if (button.classList.contains("map")) {
      press(self, button); // at once; the rerun says the same
      roam(self, button);
      self.send("pick", [column.layer, Number(button.dataset.channel)]);
    } else if (button.classList.contains("class")) {
      self.send("name", button.dataset.id);
    } else if (button.classList.contains("more")) {
      self.send("more", column.layer);
    } else if (column) {
      self.send("pick", [column.layer, null]);
    }
  });
  self.columns.addEventListener("pointerover", (event) => {
    const map = event.target.closest(".map, .class");
    self.hovered = map ? where(self, map) : null;
    light(self, self.hovered ?? spot(self));
  });
  self.columns.addEventListener("pointerleave", () => {
    self.hovered = null;
    light(self, spot(self));
  });
  self.columns.addEventListener("keydown", (event) => {
    const map = event.target.closest(".map");
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!map || !way) return;
    const [column, row] = where(self, map);
    const maps = self.columns.children[column + way[0]]?.querySelectorAll(".map");
    const next = maps?.[way[0] ? Math.min(row, maps.length - 1) : row + way[1]];
    if (!next) return;
    event.preventDefault();
    roam(self, next);
    next.focus();
  });
}

function make(name, inner = "") {
  const button = document.createElement("button");
  button.type = "button";
  button.className = name;
  button.innerHTML = inner;
  return button;
}

function keep(parent, selector, count, maker, before = null) {
  const found = [...parent.querySelectorAll(`:scope > ${selector}`)];
  while (found.length > count) found.pop().remove();
  while (found.length < count) {
    const fresh = maker();
    parent.insertBefore(fresh, before);
    found.push(fresh);
  }
  return found;
}

function makeColumn() {
  const column = document.createElement("div");
  column.className = "column";
  column.append(make("head", '<span class="title"></span><span class="caption"></span>'), make("more"));
  return column;
}

function fill(self, column, data, index) {
  column.classList.toggle("flat", data.pixels === 1);
  column.classList.toggle("here", data.layer === self.data.chosen[0]);
  const head = column.querySelector(".head");
  head.querySelector(".title").textContent = data.title;
  head.querySelector(".caption").textContent = data.caption;
  head.title = `${data.layer}\n${data.caption}`;
  const more = column.querySelector(".more");
  more.textContent = data.more;
  more.title = data.more_title;
  more.style.visibility = data.more ? "" : "hidden";
  const maps = keep(column, ".map", data.maps.length, () => make("map"), more);
  maps.forEach((button, i) => {
    const { channel, title } = data.maps[i];
    button.dataset.channel = channel;
    button.title = title;
    button.setAttribute("aria-label", title);
    button.setAttribute("aria-pressed", data.layer === self.data.chosen[0] && channel === self.data.chosen[1]);
    button.classList.toggle("pixelated", data.pixels < 48);
    button.style.backgroundImage = `url("${data.source}")`;
    button.style.backgroundSize = `100% ${maps.length * 100}%`;
    button.style.backgroundPosition = `0 ${maps.length > 1 ? (i / (maps.length - 1)) * 100 : 0}%`;
  });
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  self.net.setAttribute("aria-label", data.alt);
  self.find(".play span").textContent = data.words.play;
  const columns = keep(self.columns, ".column:not(.classes)", data.columns.length, makeColumn, self.columns.querySelector(".classes"));
  columns.forEach((column, i) => fill(self, column, data.columns[i], i));
  const [classes] = keep(self.columns, ".classes", data.classes.length ? 1 : 0, () => {
    const column = document.createElement("div");
    column.className = "column classes";
    column.innerHTML = '<span class="head"><span class="title"></span></span>';
    return column;
  });
  if (classes) {
    classes.querySelector(".title").textContent = data.words.classes;
    const bars = keep(classes, ".class", data.classes.length, () => make("class", "<span><b></b><em></em></span><i></i>"));
    bars.forEach((button, i) => {
      const { id, name, other, share, text } = data.classes[i];
      button.dataset.id = id;
      button.title = other ? `${name} · ${other}` : name;
      button.querySelector("b").textContent = name;
      button.querySelector("em").textContent = text;
      button.querySelector("em").style.fontStyle = "normal";
      button.querySelector("i").style.setProperty("--share", `${share * 100}%`);
      button.setAttribute("aria-pressed", id === data.chosenClass);
    });
  }
  const legends = self.find(".legends");
  legends.replaceChildren(
    ...data.legends.map(({ colours, low, middle, high }) => {
      const legend = document.createElement("div");
      legend.className = "legend";
      legend.innerHTML = "<span></span><i></i><span></span><small></small>";
      const [first, bar, last, note] = legend.children;
      first.textContent = low;
      last.textContent = high;
      note.textContent = middle;
      bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
      return legend;
    }),
  );
  const at = spot(self);
  const home = at ? self.columns.children[at[0]].querySelectorAll(".map")[at[1]] : self.columns.querySelector(".map");
  if (home) roam(self, home);
  draw(self);
  // On a phone: bring the chosen layer into view, once for each choice, without moving the page.
  const scroll = self.find(".scroll");
  const column = self.columns.children[Math.min(Math.floor(data.place), self.columns.children.length - 1)];
  if (column && self.seen !== data.chosen[0]) {
    const left = column.offsetLeft;
    if (left < scroll.scrollLeft || left + column.offsetWidth > scroll.scrollLeft + scroll.clientWidth) scroll.scrollTo({ left: left - scroll.clientWidth / 2 });
  }
  self.seen = data.chosen[0];
  return () => {
    clearTimeout(self.timer);
    self.sized.disconnect();
  };
}
