const NS = "http://www.w3.org/2000/svg";
const FLAG = "M0 -7 L6 0 L0 7 L-6 0 Z"; // a diamond on the line where it turns

function element(name, attributes) {
  const found = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

function middles(self) {
  return [...self.tokens.children].map((token) => token.offsetLeft + token.offsetWidth / 2);
}

function fit(self) {
  const { plane, scroll } = self;
  plane.classList.remove("tight");
  plane.classList.toggle("tight", plane.offsetWidth > scroll.clientWidth + 1);
  edges(self);
}

function edges(self) {
  const { scroll } = self;
  scroll.classList.toggle("goes-left", scroll.scrollLeft > 8);
  scroll.classList.toggle("goes-right", scroll.scrollLeft + scroll.clientWidth < scroll.scrollWidth - 8);
}

function draw(self) {
  const { data, svg } = self;
  fit(self);
  const { height } = data;
  const xs = (self.xs = middles(self));
  const y = (value) => 7 + (1 - value) * (height - 14);
  const parts = [];
  for (const strand of data.strands) {
    const starts = new Set(strand.starts);
    let d = "";
    let pen = "M";
    strand.values.forEach((value, i) => {
      if (value === null || starts.has(i)) pen = "M";
      if (value === null) return;
      d += `${pen}${xs[i].toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    });
    if (!d) continue;
    parts.push(element("path", { d, stroke: strand.colour, "stroke-width": strand.strong ? 3.5 : 2, "stroke-dasharray": strand.dash }));
    if (strand.values.length <= 60) {
      strand.values.forEach((value, i) => {
        if (value !== null) parts.push(element("circle", { cx: xs[i], cy: y(value), r: strand.strong ? 3.2 : 2.2, fill: strand.colour }));
      });
    }
    for (const turn of strand.turns) {
      const mark = element("path", { d: FLAG, transform: `translate(${xs[turn]} ${y(strand.values[turn])})`, stroke: strand.colour, "stroke-width": 2 });
      mark.style.fill = "var(--st-background-color)";
      parts.push(mark);
    }
  }
  svg.replaceChildren(...parts);
}

function swatch({ colour, dash, strong }) {
  const svg = element("svg", { viewBox: "0 0 32 12", "aria-hidden": "true" });
  svg.append(element("path", { d: "M1 6H31", stroke: colour, "stroke-width": strong ? 4 : 3, "stroke-dasharray": dash }));
  return svg;
}

function words(text) {
  const span = document.createElement("span");
  span.append(text);
  return span;
}

function legend(self) {
  const { data } = self;
  const entries = data.strands.map((strand) => {
    const span = words("");
    span.classList.toggle("strong", strand.strong);
    span.append(swatch(strand), `${strand.name} ${strand.last}`);
    return span;
  });
  if (data.strands.some((strand) => strand.turns.length)) {
    const span = words("");
    span.className = "turn";
    const svg = element("svg", { viewBox: "-8 -8 16 16", "aria-hidden": "true" });
    svg.append(element("path", { d: FLAG, fill: "none", stroke: "currentColor", "stroke-width": 2 }));
    span.append(svg, data.words.turn);
    entries.push(span);
  }
  self.find(".legend").replaceChildren(...entries);
}

function tell(self, at) {
  const { data, tip, cursor } = self;
  for (const [i, token] of [...self.tokens.children].entries()) token.classList.toggle("here", i === at);
  self.at = at;
  cursor.hidden = tip.hidden = at === null;
  if (at === null) return;
  cursor.style.left = `${self.xs[at]}px`;
  const head = document.createElement("b");
  head.textContent = data.tokens[at];
  tip.replaceChildren(
    head,
    ...data.strands.map((strand) => {
      const row = words("");
      const name = words("");
      const dot = document.createElement("i");
      dot.style.background = strand.colour;
      name.append(dot, strand.name);
      name.style.display = "inline";
      row.append(name, strand.told[at]);
      return row;
    }),
  );
  const left = self.scroll.offsetLeft + self.xs[at] - self.scroll.scrollLeft;
  const room = self.find(".frame").clientWidth;
  tip.style.left = left + 16 + tip.offsetWidth < room ? `${left + 14}px` : `${Math.max(0, left - 14 - tip.offsetWidth)}px`;
}

function nearest(self, event) {
  const x = event.clientX - self.plane.getBoundingClientRect().left;
  let best = 0;
  self.xs.forEach((middle, i) => { if (Math.abs(middle - x) < Math.abs(self.xs[best] - x)) best = i; });
  return best;
}

function build(self) {
  for (const name of ["plane", "tokens", "tip", "cursor", "scroll"]) self[name] = self.find(`.${name}`);
  self.svg = self.find(".field svg");
  self.plane.addEventListener("pointermove", (event) => { if (event.pointerType === "mouse") tell(self, nearest(self, event)); });
  self.plane.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") tell(self, null); });
  self.plane.addEventListener("click", (event) => tell(self, nearest(self, event)));
  self.scroll.addEventListener("scroll", () => edges(self), { passive: true });
  self.scroll.addEventListener("scroll", () => { if (self.at !== null && self.at !== undefined) tell(self, self.at); }, { passive: true });
  self.scroll.addEventListener("blur", () => tell(self, null));
  self.scroll.addEventListener("keydown", (event) => {
    const last = self.xs.length - 1;
    const from = self.at ?? (event.key === "ArrowLeft" ? last + 1 : -1);
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") return tell(self, null);
    if (to === undefined) return;
    event.preventDefault();
    const at = clamp(to, 0, last);
    self.scroll.scrollLeft = self.xs[at] - self.scroll.clientWidth / 2;
    tell(self, at);
    self.find(".unseen").textContent = `${self.data.tokens[at]}: ${self.data.strands.map(({ name, told }) => `${name} ${told[at]}`).join(", ")}`;
  });
  self.sized = new ResizeObserver(() => draw(self));
  self.sized.observe(self.scroll);
}

export default function (component) {
  const self = instance(component, build);
  const { data, tokens } = self;
  self.box.style.setProperty("--height", `${data.height}px`);
  self.scroll.setAttribute("aria-label", data.alt);
  self.find(".high").textContent = data.words.positive;
  self.find(".low").textContent = data.words.negative;
  const band = self.find(".band");
  const y = (value) => 7 + (1 - value) * (data.height - 14);
  band.style.top = `${y(data.band[1])}px`;
  band.style.height = `${y(data.band[0]) - y(data.band[1])}px`;
  while (tokens.children.length > data.tokens.length) tokens.lastElementChild.remove();
  while (tokens.children.length < data.tokens.length) {
    const token = document.createElement("span");
    token.className = "token";
    tokens.append(token);
  }
  const turned = new Set(data.strands.flatMap((strand) => strand.turns));
  data.tokens.forEach((text, i) => {
    const token = tokens.children[i];
    token.textContent = text;
    token.classList.toggle("turned", turned.has(i));
    const strand = data.strands.find((each) => each.turns.includes(i));
    token.style.borderTopColor = strand ? strand.colour : "";
  });
  legend(self);
  tell(self, null);
  draw(self);
  return () => self.sized.disconnect();
}
