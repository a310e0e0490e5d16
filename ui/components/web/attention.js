const LISTED = 8;
const NS = "http://www.w3.org/2000/svg";

function row(self, at) {
  const { weights, tokens } = self;
  const count = tokens.length;
  return self.way === "reads"
    ? Array.from(weights.subarray(at * count, (at + 1) * count))
    : tokens.map((_, i) => weights[i * count + at]);
}

const percent = (share) => (share < 0.001 ? "<0.1%" : share >= 0.0995 ? `${Math.round(100 * share)}%` : `${(100 * share).toFixed(1)}%`);

function middle(token) {
  return { x: token.offsetLeft + token.offsetWidth / 2, top: token.offsetTop, bottom: token.offsetTop + token.offsetHeight };
}

function line(from, to) {
  if (Math.abs(from.top - to.top) < 6) {
    const rise = Math.min(30, 9 + Math.abs(from.x - to.x) * 0.1);
    return `M${from.x} ${from.top}C${from.x} ${from.top - rise} ${to.x} ${to.top - rise} ${to.x} ${to.top}`;
  }
  const down = to.top > from.top;
  const [y1, y2] = down ? [from.bottom, to.top] : [from.top, to.bottom];
  const half = (y1 + y2) / 2;
  return `M${from.x} ${y1}C${from.x} ${half} ${to.x} ${half} ${to.x} ${y2}`;
}

function tell(self, at) {
  self.shown = at;
  const values = row(self, at);
  const largest = Math.max(...values, 1e-9);
  const from = middle(self.tokens[at]);
  const order = values.map((_, i) => i).sort((a, b) => values[b] - values[a]).slice(0, LISTED);
  self.tokens.forEach((token, i) => {
    token.style.setProperty("--share", (values[i] / largest).toFixed(3));
    token.classList.toggle("here", i === at);
  });
  const svg = self.find(".sheet svg");
  svg.style.height = `${self.text.offsetHeight}px`;
  svg.replaceChildren(
    ...order.filter((i) => i !== at && values[i] > 0.02).map((i) => {
      const path = document.createElementNS(NS, "path");
      path.setAttribute("d", line(from, middle(self.tokens[i])));
      path.setAttribute("stroke-width", (1 + 7 * values[i]).toFixed(1));
      path.setAttribute("opacity", (0.25 + 0.6 * (values[i] / largest)).toFixed(2));
      return path;
    }),
  );
  const { words, tokens } = self.data;
  self.find(".most").textContent = words[self.way === "reads" ? "most" : "most_by"].replace("{token}", () => tokens[at][1]);
  self.find(".rows").replaceChildren(
    ...order.map((i) => {
      const entry = document.createElement("div");
      entry.className = "row";
      const name = document.createElement("b");
      name.textContent = tokens[i][1];
      const track = document.createElement("span");
      const bar = document.createElement("i");
      bar.style.width = `${(100 * values[i]) / largest}%`;
      track.append(bar);
      const told = document.createElement("span");
      told.textContent = percent(values[i]);
      entry.append(name, track, told);
      return entry;
    }),
  );
}

function read(self) {
  const told = [...self.find(".rows").children].slice(0, 3).map((entry) => `${entry.children[0].textContent} ${entry.children[2].textContent}`);
  self.find(".unseen").textContent = `${self.find(".most").textContent}: ${told.join(", ")}`;
}

function turn(self, way) {
  self.way = self.memory.way = way;
  for (const button of self.find(".ways").children) {
    button.setAttribute("aria-checked", button.dataset.way === way);
    button.tabIndex = button.dataset.way === way ? 0 : -1;
  }
}

function build(self) {
  self.text = self.find(".text");
  self.tokens = [];
  const ways = self.find(".ways");
  ways.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    turn(self, button.dataset.way);
    tell(self, self.shown);
  });
  ways.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    turn(self, self.way === "reads" ? "read_by" : "reads");
    ways.querySelector('[aria-checked="true"]').focus();
    tell(self, self.shown);
  });
  self.text.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse" && event.target.at !== undefined) tell(self, event.target.at);
  });
  self.text.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") tell(self, self.picked); });
  const choose = (token) => {
    self.picked = token.at;
    roamIn(self.tokens, token);
    tell(self, token.at);
    self.send("pick", token.at);
  };
  self.text.addEventListener("focusin", (event) => {
    if (event.target.at === undefined || !event.target.matches(":focus-visible")) return;
    tell(self, event.target.at);
    read(self);
  });
  walkTokens(self, self.text, choose);
  self.sized = new ResizeObserver(() => { if (self.tokens.length) tell(self, self.shown); });
  self.sized.observe(self.text);
}

export default function (component) {
  const self = instance(component, build);
  const { data, text } = self;
  const bytes = Uint8Array.from(atob(data.weights), (letter) => letter.charCodeAt(0));
  self.weights = new Float32Array(bytes.buffer);
  text.setAttribute("aria-label", data.alt);
  const ways = self.find(".ways");
  ways.setAttribute("aria-label", data.alt);
  for (const button of ways.children) button.textContent = data.words[button.dataset.way];
  const drawn = JSON.stringify(data.tokens);
  if (self.drawn !== drawn) {
    self.drawn = drawn;
    self.tokens = [];
    const parts = [];
    data.tokens.forEach(([before, piece], at) => {
      if (before) parts.push(document.createTextNode(before));
      const token = document.createElement("span");
      token.className = "token";
      token.at = at;
      token.tabIndex = -1;
      token.setAttribute("role", "button");
      token.textContent = piece;
      self.tokens.push(token);
      parts.push(token);
    });
    text.replaceChildren(...parts);
  }
  self.picked = clamp(data.selected, 0, self.tokens.length - 1);
  self.tokens.forEach((token, i) => token.setAttribute("aria-pressed", i === self.picked));
  turn(self, self.memory.way ?? "reads");
  roamIn(self.tokens, self.tokens[self.picked]);
  tell(self, self.picked);
  return () => self.sized.disconnect();
}
