function number(value) {
  const text = Math.abs(value) >= 0.0005 || value === 0 ? value.toFixed(3) : value.toExponential(1);
  return text.replace("-", "−");
}

function boxes(self) {
  self.edges = [...self.tokens.children].map((token) => [token.offsetLeft, token.offsetWidth]);
}

// Each column is as wide as its token; the picture is drawn at the screen's own resolution.
function draw(self) {
  const { canvas, data, values, stage } = self;
  boxes(self);
  const [width, height] = [stage.clientWidth, data.height];
  if (!width) return;
  const fine = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * fine);
  canvas.height = Math.round(height * fine);
  const context = canvas.getContext("2d");
  const rows = data.order.length;
  const steps = data.tokens.length;
  const span = data.limit - data.low;
  for (let row = 0; row < rows; row += 1) {
    const top = Math.round((row * canvas.height) / rows);
    const bottom = Math.round(((row + 1) * canvas.height) / rows);
    for (let step = 0; step < steps; step += 1) {
      const share = (values[row * steps + step] - data.low) / span;
      context.fillStyle = data.colours[Math.round(clamp(share, 0, 1) * 255)];
      const left = Math.round(self.edges[step][0] * fine);
      const right = Math.round((self.edges[step][0] + self.edges[step][1]) * fine);
      context.fillRect(left, top, Math.max(1, right - left - (right - left > 8 ? fine : 0)), bottom - top);
    }
  }
  place(self);
}

function put(self, element, at) {
  const [step, row] = at;
  const height = self.data.height / self.data.order.length;
  element.style.left = `${self.edges[step][0]}px`;
  element.style.width = `${self.edges[step][1]}px`;
  element.style.top = `${row * height}px`;
  element.style.height = `${height}px`;
}

function place(self) {
  if (!self.edges.length) return;
  put(self, self.find(".mark"), self.spot);
  const cursor = self.find(".cursor");
  cursor.hidden = !self.over;
  if (self.over) put(self, cursor, self.over);
  const [step, row] = self.over ?? self.spot;
  for (const [i, token] of [...self.tokens.children].entries()) token.classList.toggle("here", i === step);
  const { data, values } = self;
  self.find(".told").textContent = data.unit
    .replace("{unit}", data.order[row])
    .replace("{value}", number(values[row * data.tokens.length + step]))
    .replace("{token}", () => data.tokens[step]);
}

function under(self, event) {
  const frame = self.stage.getBoundingClientRect();
  const x = event.clientX - frame.left;
  let step = self.edges.findIndex(([left, width]) => x < left + width);
  if (step < 0) step = self.edges.length - 1;
  const row = clamp(Math.floor(((event.clientY - frame.top) / frame.height) * self.data.order.length), 0, self.data.order.length - 1);
  return [step, row];
}

function choose(self, at) {
  self.spot = at;
  self.over = null;
  place(self);
  self.send("pick", [at[0], self.data.order[at[1]]]);
}

function build(self) {
  for (const name of ["plane", "tokens", "stage"]) self[name] = self.find(`.${name}`);
  self.canvas = self.find("canvas");
  self.over = null;
  self.edges = [];
  const { stage } = self;
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse") return;
    self.over = under(self, event);
    place(self);
  });
  const leave = () => {
    self.over = null;
    place(self);
  };
  stage.addEventListener("pointerleave", leave);
  stage.addEventListener("blur", leave);
  stage.addEventListener("click", (event) => choose(self, under(self, event)));
  stage.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) {
      event.preventDefault();
      const [step, row] = self.over ?? self.spot;
      self.over = [clamp(step + way[0], 0, self.data.tokens.length - 1), clamp(row + way[1], 0, self.data.order.length - 1)];
      const scroll = self.find(".scroll");
      const [left, width] = self.edges[self.over[0]];
      if (left < scroll.scrollLeft || left + width > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = left - scroll.clientWidth / 2;
      place(self);
    } else if ((event.key === "Enter" || event.key === " ") && self.over) {
      event.preventDefault();
      choose(self, self.over);
    } else if (event.key === "Escape" && self.over) leave();
  });
  self.sized = new ResizeObserver(() => draw(self));
  self.sized.observe(self.plane);
}

export default function (component) {
  const self = instance(component, build);
  const { data, tokens } = self;
  const bytes = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0));
  self.values = new Float32Array(bytes.buffer);
  self.spot = [data.chosen[0], Math.max(0, data.order.indexOf(data.chosen[1]))];
  self.over = null;
  self.box.style.setProperty("--height", `${data.height}px`);
  self.stage.setAttribute("aria-label", data.alt);
  self.find(".rows span").textContent = data.rows;
  while (tokens.children.length > data.tokens.length) tokens.lastElementChild.remove();
  while (tokens.children.length < data.tokens.length) {
    const token = document.createElement("span");
    token.className = "token";
    tokens.append(token);
  }
  data.tokens.forEach((text, i) => { if (tokens.children[i].textContent !== text) tokens.children[i].textContent = text; });
  self.find(".low").textContent = number(data.low);
  self.find(".high").textContent = number(data.limit);
  self.find(".legend i").style.background = `linear-gradient(to right, ${data.colours.filter((_, i) => i % 15 === 0).join(", ")})`;
  draw(self);
  return () => self.sized.disconnect();
}
