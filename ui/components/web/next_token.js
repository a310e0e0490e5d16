// The steps of core/language/generation/sampling.py on scores that are sorted, the highest first.
function chosen(self) {
  const { scores, values } = self;
  const penalty = values.repetition_penalty;
  const penalised = Float64Array.from(scores);
  if (penalty !== 1) for (const at of self.data.before) penalised[at] = scores[at] > 0 ? scores[at] / penalty : scores[at] * penalty;
  const order = Array.from(penalised.keys()).sort((a, b) => penalised[b] - penalised[a] || a - b);
  const weights = new Float64Array(scores.length);
  const largest = penalised[order[0]];
  if (values.temperature > 0) penalised.forEach((score, at) => { weights[at] = Math.exp((score - largest) / values.temperature); });
  else weights[order[0]] = 1;
  const inTop = values.top_k > 0 ? order.slice(0, values.top_k) : order;
  const all = inTop.reduce((sum, at) => sum + weights[at], 0);
  let kept = inTop.filter((at) => weights[at] > 0);
  if (values.top_p < 1) {
    let before = 0;
    let end = 0;
    while (end < kept.length && (end === 0 || before < values.top_p * all - 1e-9 * all)) before += weights[kept[end++]];
    kept = kept.slice(0, end);
  }
  const sum = kept.reduce((total, at) => total + weights[at], 0);
  const shares = new Map(kept.map((at) => [at, weights[at] / sum]));
  return { order, shares };
}

// What the model itself says: no penalty, temperature 1, nothing cut off.
function plainly(self) {
  const weights = Float64Array.from(self.scores, (score) => Math.exp(score - self.scores[0]));
  const sum = weights.reduce((total, one) => total + one, 0);
  return weights.map((one) => one / sum);
}

function percent(share) {
  if (share <= 0) return "0%";
  if (share < 0.001) return "<0.1%";
  return share > 0.9995 ? "100%" : `${(100 * share).toFixed(1)}%`;
}

function draw(self) {
  const { data, bars } = self;
  const { order, shares } = chosen(self);
  const shown = order.slice(0, data.shown);
  const widest = Math.max(...shown.map((at) => Math.max(shares.get(at) ?? 0, self.own[at])), 1e-9);
  while (bars.children.length > shown.length) bars.lastElementChild.remove();
  while (bars.children.length < shown.length) {
    const button = document.createElement("button");
    button.type = "button";
    button.innerHTML = '<span class="name"></span><span class="track" aria-hidden="true"><i></i><b></b></span><span class="share"></span>';
    bars.append(button);
  }
  shown.forEach((at, row) => {
    const button = bars.children[row];
    const share = shares.get(at) ?? 0;
    const name = data.names[at] ?? "";
    button.at = at;
    button.querySelector(".name").textContent = name;
    button.querySelector("i").style.width = `${(100 * share) / widest}%`;
    button.querySelector("b").style.left = `${(100 * self.own[at]) / widest}%`;
    button.querySelector(".share").textContent = percent(share);
    button.classList.toggle("out", share === 0);
    button.title = share === 0 ? data.words.out : `${data.words.model}: ${percent(self.own[at])}`;
    button.setAttribute("aria-label", `${name} ${percent(share)}`);
  });
  const others = shown.reduce((left, at) => left - (shares.get(at) ?? 0), 1);
  const words = self.values.temperature > 0 ? data.words.kept.replace("{count}", shares.size.toLocaleString("en")).replace("{all}", self.scores.length.toLocaleString("en")) : data.words.greedy;
  self.find(".kept").textContent = others > 0.0005 ? `${words} · ${data.words.rest} ${percent(others)}` : words;
}

function tellValue(self, control, output) {
  const value = self.values[control.name];
  output.textContent = control.off_at !== null && Math.abs(value - control.off_at) < 1e-9 ? control.off : value.toFixed(control.digits);
}

function makeControl(self, control) {
  const label = document.createElement("label");
  label.title = control.help;
  label.innerHTML = '<span class="head"><span></span><output></output></span><input type="range">';
  const input = label.querySelector("input");
  const output = label.querySelector("output");
  label.querySelector(".head span").textContent = control.label;
  Object.assign(input, { min: control.low, max: control.high, step: control.step, name: control.name });
  input.setAttribute("aria-label", control.label);
  input.value = self.values[control.name];
  tellValue(self, control, output);
  input.addEventListener("input", () => {
    self.dragged = true;
    self.box.classList.add("dragged");
    self.values = { ...self.values, [control.name]: Number(input.value) };
    tellValue(self, control, output);
    draw(self);
  });
  input.addEventListener("change", () => {
    self.dragged = false;
    self.box.classList.remove("dragged");
    self.send("sampling", self.values);
  });
  return label;
}

function build(self) {
  self.bars = self.find(".bars");
  self.bars.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.at < self.data.ids.length) self.send("pick", self.data.ids[button.at]);
  });
  self.bars.addEventListener("keydown", (event) => {
    const things = [...self.bars.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && things[things.indexOf(event.target.closest("button")) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

export default function (component) {
  const self = instance(component, build);
  const { data } = self;
  const bytes = Uint8Array.from(atob(data.scores), (letter) => letter.charCodeAt(0));
  self.scores = new Float32Array(bytes.buffer);
  self.own = plainly(self);
  self.bars.setAttribute("aria-label", data.alt);
  const given = JSON.stringify(data.controls);
  if (self.given !== given && !self.dragged) {
    const same = self.given && JSON.stringify(data.controls.map(({ value, ...rest }) => rest)) === self.shape;
    self.given = given;
    self.values = Object.fromEntries(data.controls.map((control) => [control.name, control.value]));
    if (same) {
      data.controls.forEach((control, i) => {
        const label = self.find(".controls").children[i];
        label.querySelector("input").value = control.value;
        tellValue(self, control, label.querySelector("output"));
      });
    } else {
      self.shape = JSON.stringify(data.controls.map(({ value, ...rest }) => rest));
      self.find(".controls").replaceChildren(...data.controls.map((control) => makeControl(self, control)));
    }
  }
  self.find(".model").textContent = data.words.model;
  draw(self);
}
