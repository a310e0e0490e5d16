function tell(self, token) {
  const { data, tip } = self;
  self.shown = token;
  for (const each of self.tokens) each.classList.toggle("here", each === token);
  const glyph = token && data.glyphs[token.at];
  tip.hidden = !glyph || glyph[2] === null;
  if (tip.hidden) return;
  const [, text, , told, likely] = glyph;
  const name = document.createElement("b");
  name.textContent = text.trim() ? text : "␣";
  const numbers = document.createElement("p");
  numbers.textContent = told;
  const parts = [name, numbers];
  if (likely.length) {
    const over = document.createElement("small");
    over.textContent = data.words.likely;
    parts.push(over);
    const widest = Math.max(...likely.map(([, share]) => share), 1e-9);
    for (const [other, share, words] of likely) {
      const row = document.createElement("div");
      row.className = other === text.trim() ? "row own" : "row";
      const label = document.createElement("b");
      label.textContent = other;
      const track = document.createElement("span");
      const bar = document.createElement("i");
      bar.style.width = `${(100 * share) / widest}%`;
      track.append(bar);
      const number = document.createElement("span");
      number.textContent = words;
      row.append(label, track, number);
      parts.push(row);
    }
  }
  tip.replaceChildren(...parts);
  const frame = self.find(".frame");
  const [first] = token.getClientRects();
  if (!first) return;
  const room = frame.getBoundingClientRect();
  const left = clamp(first.left - room.left, 0, Math.max(0, room.width - tip.offsetWidth));
  const below = first.bottom - room.top + 6;
  tip.style.left = `${left}px`;
  const overhead = first.top - room.top - tip.offsetHeight - 6;
  tip.style.top = `${room.top + below + tip.offsetHeight > window.innerHeight && overhead > -room.top ? overhead : below}px`;
}

function read(self, token) {
  const [, text, bits, told, likely] = self.data.glyphs[token.at];
  if (bits !== null) self.find(".unseen").textContent = `${text} ${told}. ${self.data.words.likely} ${likely.map(([name, , share]) => `${name} ${share}`).join(", ")}`;
}

function build(self) {
  self.text = self.find(".text");
  self.tip = self.find(".tip");
  self.tokens = [];
  self.text.addEventListener("pointerover", (event) => { if (event.target.at !== undefined) tell(self, event.target); });
  self.text.addEventListener("pointerleave", () => tell(self, null));
  self.text.addEventListener("scroll", () => tell(self, null), { passive: true });
  self.text.addEventListener("focusin", (event) => {
    if (event.target.at === undefined || !event.target.matches(":focus-visible")) return;
    tell(self, event.target);
    read(self, event.target);
  });
  self.text.addEventListener("focusout", () => tell(self, null));
  walkTokens(self, self.text, (token) => {
    roamIn(self.tokens, token);
    tell(self, token);
    if (self.data.still || self.data.glyphs[token.at][2] === null) return;
    self.send("pick", token.at);
  });
}

function makeToken(self, [, text, bits, told, , byHand], at) {
  const { data } = self;
  const token = document.createElement("span");
  token.className = bits === null ? "token given" : byHand ? "token by-hand" : "token";
  token.at = at;
  token.tabIndex = -1;
  token.setAttribute("role", data.still || bits === null ? "note" : "button");
  token.setAttribute("aria-label", `${text} ${told}`);
  token.textContent = text;
  if (bits !== null) token.style.setProperty("--share", clamp(bits / data.most, 0, 1).toFixed(3));
  return token;
}

export default function (component) {
  const self = instance(component, build);
  const { data, text } = self;
  text.setAttribute("aria-label", data.alt);
  text.classList.toggle("still", data.still);
  text.classList.toggle("large", data.large);
  text.classList.toggle("short", data.lines > 0);
  text.style.setProperty("--lines", data.lines);
  // What stands already is left alone: of a text that grows only the new tokens are made.
  const drawn = data.glyphs.map((glyph) => JSON.stringify([glyph, data.still]));
  const old = self.drawn ?? [];
  let same = 0;
  while (same < drawn.length && drawn[same] === old[same]) same += 1;
  const grew = drawn.length > old.length;
  if (same < Math.max(old.length, drawn.length)) {
    self.caret?.remove();
    while (self.tokens.length > same) {
      const last = self.tokens.pop();
      if (last.previousSibling?.nodeType === Node.TEXT_NODE) last.previousSibling.remove();
      last.remove();
    }
    data.glyphs.slice(same).forEach((glyph, i) => {
      if (glyph[0]) text.append(document.createTextNode(glyph[0]));
      const token = makeToken(self, glyph, same + i);
      self.tokens.push(token);
      text.append(token);
    });
    self.drawn = drawn;
    if (self.shown && !self.tokens.includes(self.shown)) tell(self, null);
  }
  self.caret ??= Object.assign(document.createElement("span"), { className: "caret", ariaHidden: "true" });
  if (data.cursor) text.append(self.caret);
  else self.caret.remove();
  if (data.lines && grew) text.scrollTop = text.scrollHeight;
  roamIn(self.tokens, self.tokens[0]);
  self.find(".legend").hidden = !data.legend;
  setWords(self, { ".low": data.words.low, ".high": data.words.high, ".hint": data.words.hint });
}
