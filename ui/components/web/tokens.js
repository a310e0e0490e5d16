function tell(self, token) {
  const { data } = self;
  self.told.textContent = token ? `${token.textContent.trim() || "␣"}  ${data.pieces[token.at][3]}` : data.hint;
}

function build(self) {
  self.text = self.find(".text");
  self.told = self.find(".told");
  self.tokens = [];
  self.text.addEventListener("pointerover", (event) => { if (event.target.at !== undefined) tell(self, event.target); });
  self.text.addEventListener("pointerleave", () => tell(self, null));
  self.text.addEventListener("focusin", (event) => { if (event.target.at !== undefined) tell(self, event.target); });
  self.text.addEventListener("focusout", () => tell(self, null));
  const choose = (token) => {
    roamIn(self.tokens, token);
    tell(self, token);
    if (self.data.still) return;
    for (const each of self.tokens) each.setAttribute("aria-pressed", each === token);
    self.send("pick", token.at);
  };
  walkTokens(self, self.text, choose);
}

export default function (component) {
  const self = instance(component, build);
  const { data, text } = self;
  const drawn = JSON.stringify([data.pieces, data.still]);
  text.setAttribute("aria-label", data.alt);
  text.classList.toggle("still", data.still);
  text.classList.toggle("short", data.most > 0);
  text.style.setProperty("--most", data.most);
  if (self.drawn !== drawn) {
    self.drawn = drawn;
    self.tokens = [];
    const parts = [];
    data.pieces.forEach(([before, piece, score, told, mark], at) => {
      if (before) parts.push(document.createTextNode(before));
      const token = document.createElement("span");
      token.className = `token ${mark}`;
      token.at = at;
      token.tabIndex = -1;
      token.setAttribute("role", data.still ? "note" : "button");
      token.setAttribute("aria-label", `${piece} ${told}`);
      token.textContent = piece;
      if (score) {
        const share = (Math.min(1, Math.abs(score)) * 100).toFixed(1);
        token.style.setProperty("--shade", `color-mix(in srgb, color-mix(in srgb, var(--${score > 0 ? "positive" : "negative"}) var(--strength), transparent) ${share}%, transparent)`);
      }
      self.tokens.push(token);
      parts.push(token);
    });
    text.replaceChildren(...parts);
  }
  self.tokens.forEach((token, i) => { if (data.still) token.removeAttribute("aria-pressed"); else token.setAttribute("aria-pressed", i === data.selected); });
  roamIn(self.tokens, self.tokens[data.selected ?? 0]);
  const { legend } = data;
  self.find(".legend").hidden = !legend;
  if (legend) {
    self.find(".low").textContent = legend.low;
    self.find(".bar small").textContent = legend.middle;
    self.find(".high").textContent = legend.high;
    self.find(".bar").classList.toggle("one", !legend.middle);
  }
  self.find(".foot").hidden = !legend && !data.hint && data.pieces.every((piece) => !piece[3]);
  tell(self, null);
}
