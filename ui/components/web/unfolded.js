function middle(self, element) {
  const frame = self.scene.getBoundingClientRect();
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return { left: left - frame.left, right: right - frame.left, top: top - frame.top, y: (top + bottom) / 2 - frame.top, x: (left + right) / 2 - frame.left };
}

function draw(self) {
  const lines = [];
  const between = (a, b) => {
    const [from, to] = [middle(self, a), middle(self, b)];
    const half = (from.right + to.left) / 2;
    lines.push(`M${from.right + 3} ${from.y}C${half} ${from.y} ${half} ${to.y} ${to.left - 3} ${to.y}`);
  };
  const stations = [...self.find(".stations").children].map((each) => each.firstElementChild);
  const rows = self.data.rows.length + (self.data.rest ? 1 : 0);
  for (let i = 0; i < rows; i += 1) {
    const way = [".sources", ".kernels", ".results"]
      .map((part) => self.find(part).children[i]?.querySelector("img, .kernel"))
      .filter(Boolean);
    for (let j = 1; j < way.length; j += 1) between(way[j - 1], way[j]);
    if (way.length) between(way.at(-1), stations[0]);
  }
  for (let i = 1; i < stations.length; i += 1) between(stations[i - 1], stations[i]);
  if (self.data.bias) {
    const to = middle(self, stations[0]);
    lines.push(`M${to.x} ${to.top - 28}L${to.x} ${to.top - 3}`);
  }
  self.svg.innerHTML = `<path d="${lines.join("")}"/>`;
}

function readable(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#111" : "#fff";
}

function tell(self, kernel) {
  const weights = self.find(".weights");
  weights.hidden = !kernel;
  if (!kernel) return;
  const rows = self.data.rows[Number(kernel.dataset.row)].kernel;
  weights.style.gridTemplateColumns = `repeat(${rows[0].length}, auto)`;
  weights.replaceChildren(
    ...rows.flat().map(({ colour, text }) => {
      const cell = document.createElement("span");
      cell.textContent = text;
      cell.style.background = colour;
      cell.style.color = readable(colour);
      return cell;
    }),
  );
  const { left, top, bottom, width } = kernel.getBoundingClientRect();
  const size = weights.getBoundingClientRect();
  const above = top - size.height - 8;
  weights.style.left = `${clamp(left + width / 2 - size.width / 2, 4, Math.max(4, innerWidth - size.width - 4))}px`;
  weights.style.top = `${above > 4 ? above : bottom + 8}px`;
}

function build(self) {
  self.scene = self.find(".scene");
  self.svg = self.find(".scene > svg");
  self.sized = new ResizeObserver(() => draw(self));
  self.sized.observe(self.scene);
  const kernels = self.find(".kernels");
  kernels.addEventListener("pointerover", (event) => tell(self, event.target.closest(".kernel")));
  kernels.addEventListener("pointerleave", () => tell(self, null));
  kernels.addEventListener("focusin", (event) => tell(self, event.target.closest(".kernel")));
  kernels.addEventListener("focusout", () => tell(self, null));
}

// The kernel goes over the inputs, and at the same time its place over what comes out.
function step(self) {
  const { window: size, side } = self.data;
  if (!size || !self.scene.isConnected || self.box.querySelector(":hover")) return;
  const steps = clamp(side, 2, 9);
  self.at = ((self.at ?? -1) + 1) % steps ** 2;
  const [down, across] = [Math.floor(self.at / steps), self.at % steps].map((place) => place / (steps - 1));
  const put = (frame, [height, width]) => {
    frame.style.cssText = `top:${100 * down * (1 - height)}%;left:${100 * across * (1 - width)}%;height:${100 * height}%;width:${100 * width}%`;
  };
  const cell = Math.max(1 / side, 0.07);
  for (const frame of self.scene.querySelectorAll(".slides")) put(frame, frame.closest(".sources") ? size.map((part) => Math.max(part, 0.1)) : [cell, cell]);
}

function framed(img) {
  const box = document.createElement("div");
  box.className = "framed";
  const slides = document.createElement("i");
  slides.className = "slides";
  box.append(img, slides);
  return box;
}

function picture(source) {
  const img = document.createElement("img");
  img.alt = "";
  img.src = source;
  return img;
}

function item(...children) {
  const box = document.createElement("div");
  box.className = "item";
  box.append(...children);
  return box;
}

function words(text) {
  const span = document.createElement("span");
  span.textContent = text;
  span.title = text;
  return span;
}

function kernel(rows, index, label) {
  const box = document.createElement("div");
  box.className = "kernel";
  box.tabIndex = 0;
  box.dataset.row = index;
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `${label}: ${rows.map((row) => row.map(({ text }) => text).join(", ")).join("; ")}`);
  box.style.gridTemplateColumns = `repeat(${rows[0].length}, 1fr)`;
  box.append(
    ...rows.flat().map(({ colour }) => {
      const cell = document.createElement("i");
      cell.style.background = colour;
      return cell;
    }),
  );
  return box;
}

export default function (component) {
  const self = instance(component, build);
  const { data, scene } = self;
  scene.setAttribute("aria-label", data.alt);
  tell(self, null);
  scene.classList.toggle("single", data.rows.length === 1 && !data.rest);
  scene.classList.toggle("vector", data.vector);
  const moving = (source) => (data.window ? framed(picture(source)) : picture(source));
  const [sources, kernels, results] = [".sources", ".kernels", ".results"].map(self.find);
  for (const [part, name] of [[sources, "source"], [kernels, "kernel"], [results, "result"]]) part.dataset.title = data.headings[name];
  sources.replaceChildren(...data.rows.map((row) => item(words(row.title), moving(row.source))));
  kernels.replaceChildren(...data.rows.map((row, i) => item(...(row.kernel.length ? [kernel(row.kernel, i, row.title)] : []))));
  results.replaceChildren(...data.rows.map((row) => item(...(row.result ? [moving(row.result)] : []))));
  if (data.rest) {
    const rest = item(words(data.rest), picture(data.restSource));
    rest.classList.add("rest");
    sources.append(rest);
    kernels.append(item());
    results.append(item());
  }
  sources.classList.toggle("pixelated", data.pixelated[0]);
  results.classList.toggle("pixelated", data.pixelated[1]);
  kernels.classList.toggle("empty", !data.rows.some((row) => row.kernel.length));
  results.classList.toggle("empty", !data.rows.some((row) => row.result));
  const stations = self.find(".stations");
  stations.classList.toggle("pixelated", data.pixelated[1]);
  stations.replaceChildren(
    ...data.stations.map(({ title, source, text }, i) => {
      const box = document.createElement("div");
      box.className = "station";
      if (source) box.append(moving(source));
      else {
        const sign = document.createElement("div");
        sign.className = "sign";
        sign.textContent = text;
        box.append(sign);
        if (i === 0 && data.bias) {
          const bias = document.createElement("div");
          bias.className = "bias";
          bias.textContent = data.bias;
          sign.append(bias);
          sign.style.position = "relative";
        }
      }
      if (title) box.append(words(title));
      box.classList.toggle("last", i === data.stations.length - 1);
      return box;
    }),
  );
  draw(self);
  clearInterval(self.timer);
  if (data.window && !STILL) self.timer = setInterval(() => step(self), 160);
  return () => {
    clearInterval(self.timer);
    self.sized.disconnect();
  };
}
