const ICONS = {
  left: '<path d="m14 6-6 6 6 6"/>',
  right: '<path d="m10 6 6 6-6 6"/>',
  switch: '<path d="M12 4v8"/><path d="M7 6.5a7 7 0 1 0 10 0"/>',
  remove: '<path d="m7 7 10 10M17 7 7 17"/>',
  flag: '<path d="M6 21V4h11l-2.5 4L17 12H6"/>',
};
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg>`;

const movable = (self) => [...self.row.children].filter((card) => !card.fixed);
const cardOf = (event) => event.target.closest(".card");

function make() {
  const card = document.createElement("div");
  card.className = "card";
  card.innerHTML =
    '<button type="button" class="pick"><span class="title"></span><span class="frame"><img alt=""></span>' +
    '<span class="name"></span><span class="share"><span class="meter"><i></i></span><span class="text"></span></span></button>' +
    `<span class="flag" hidden>${icon("flag")}</span><div class="tools">` +
    ["left", "right", "switch", "remove"]
      .map((name) => `<button type="button" class="${name}" data-act="${name}">${icon(name)}</button>`)
      .join("") +
    "</div>";
  return card;
}

function focused(self) {
  return self.box.getRootNode().activeElement;
}

// One stop of the Tab key for the pictures; the arrow keys go from one to the next.
function roam(self, to) {
  for (const card of self.row.children) card.querySelector(".pick").tabIndex = card === to ? 0 : -1;
}

function choose(self, id) {
  for (const card of self.row.children) {
    const chosen = card.dataset.id === id;
    card.classList.toggle("chosen", chosen);
    card.querySelector(".pick").setAttribute("aria-pressed", chosen);
    if (chosen) roam(self, card);
  }
}

// Puts the cards into this order; whoever had the focus keeps it.
function order(self, cards) {
  const held = focused(self);
  cards.forEach((card, i) => {
    if (self.row.children[i] !== card) self.row.insertBefore(card, self.row.children[i] ?? null);
  });
  if (held && held !== focused(self)) held.focus({ preventScroll: true });
  ends(self);
}

function ends(self) {
  const cards = movable(self);
  cards.forEach((card, i) => {
    card.querySelector(".left").disabled = i === 0;
    card.querySelector(".right").disabled = i === cards.length - 1;
  });
}

function move(self, card, to) {
  const cards = movable(self);
  const from = cards.indexOf(card);
  if (to < 0 || to >= cards.length || to === from) return;
  cards.splice(from, 1);
  cards.splice(to, 0, card);
  order(self, [...[...self.row.children].filter((other) => other.fixed), ...cards]);
  self.find(".unseen").textContent = self.data.words.moved.replace("{place}", to + 1);
  // The whole order is told: of several moves in a row the last one says it all. Until the page says the
  // same, or has had time to, what it says is older than what is seen.
  const ids = cards.map((each) => each.dataset.id);
  self.wanted = { ids: ids.join(" "), until: Date.now() + 4000 };
  self.send("act", { act: "move", id: card.dataset.id, order: ids });
}

function inOrder(self, cards) {
  const { wanted } = self;
  if (!wanted) return cards;
  const ids = wanted.ids.split(" ");
  const told = cards.filter((card) => !card.fixed).map((card) => card.dataset.id);
  const same = [...told].sort().join(" ") === [...ids].sort().join(" ");
  if (told.join(" ") === wanted.ids || !same || Date.now() > wanted.until) {
    self.wanted = null;
    return cards;
  }
  const byId = new Map(cards.map((card) => [card.dataset.id, card]));
  return [...cards.filter((card) => card.fixed), ...ids.map((id) => byId.get(id))];
}

function act(self, name, card) {
  const id = card.dataset.id;
  const place = movable(self).indexOf(card);
  if (name === "left") return move(self, card, place - 1);
  if (name === "right") return move(self, card, place + 1);
  if (name === "remove") {
    const beside = card.nextElementSibling ?? card.previousElementSibling;
    if (card.contains(focused(self))) beside.querySelector(".pick").focus({ preventScroll: true });
  }
  // Streamlit may tell of an act twice when one run overtakes another: what is wanted is said, not "the other".
  const told = name === "switch" ? (card.classList.contains("off") ? "on" : "off") : name;
  self.send("act", { act: told, id });
}

// A card follows the mouse, the others make room; it is told when the card is let go.
function dragging(self) {
  const { row } = self;
  let drag = null;
  row.addEventListener("pointerdown", (event) => {
    const card = cardOf(event);
    if (!card || card.fixed || event.button !== 0 || event.pointerType === "touch" || event.target.closest(".tools")) return;
    drag = { card, x: event.clientX, scroll: row.scrollLeft, from: movable(self).indexOf(card), to: -1 };
  });
  row.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const by = event.clientX - drag.x + row.scrollLeft - drag.scroll;
    if (drag.to < 0) {
      if (Math.abs(by) < 6) return;
      row.setPointerCapture(event.pointerId);
      row.classList.add("dragging");
      drag.card.classList.add("held");
    }
    const cards = movable(self);
    const pitch = cards.length > 1 ? cards[1].offsetLeft - cards[0].offsetLeft : 1;
    const bounded = clamp(by, -drag.from * pitch, (cards.length - 1 - drag.from) * pitch);
    drag.to = clamp(drag.from + Math.round(bounded / pitch), 0, cards.length - 1);
    cards.forEach((card, i) => {
      const shift =
        card === drag.card ? bounded
        : i > drag.from && i <= drag.to ? -pitch
        : i < drag.from && i >= drag.to ? pitch
        : 0;
      card.style.translate = `${shift}px`;
    });
    const frame = row.getBoundingClientRect(); // at the border of the row it scrolls on
    if (event.clientX > frame.right - 40) row.scrollBy({ left: 12, behavior: "instant" });
    if (event.clientX < frame.left + 40) row.scrollBy({ left: -12, behavior: "instant" });
  });
  const end = (event) => {
    if (!drag) return;
    const { card, from, to } = drag;
    drag = null;
    if (to < 0) return;
    row.classList.remove("dragging");
    card.classList.remove("held");
    for (const other of row.children) {
      other.style.transition = "none";
      other.style.translate = "";
    }
    requestAnimationFrame(() => { for (const other of row.children) other.style.transition = ""; });
    self.dragged = true; // the click that ends a drag chooses nothing
    setTimeout(() => { self.dragged = false; });
    if (event.type === "pointerup" && to !== from) move(self, card, to);
  };
  row.addEventListener("pointerup", end);
  row.addEventListener("pointercancel", end);
}

function edges(self) {
  const { row } = self;
  row.classList.toggle("goes-left", row.scrollLeft > 8);
  row.classList.toggle("goes-right", row.scrollLeft + row.clientWidth < row.scrollWidth - 8);
}

function build(self) {
  self.row = self.find(".row");
  self.row.addEventListener("scroll", () => edges(self), { passive: true });
  self.sized = new ResizeObserver(() => edges(self));
  self.sized.observe(self.row);
  dragging(self);
  self.row.addEventListener("click", (event) => {
    const card = cardOf(event);
    if (!card || self.dragged) return;
    const tool = event.target.closest("[data-act]");
    if (tool) return act(self, tool.dataset.act, card);
    if (card.classList.contains("chosen")) return;
    choose(self, card.dataset.id); // at once; the rerun says the same
    self.send("act", { act: "pick", id: card.dataset.id });
  });
  self.row.addEventListener("keydown", (event) => {
    const card = cardOf(event);
    if (!card || event.target.closest(".tools")) return;
    const cards = [...self.row.children];
    const here = cards.indexOf(card);
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.altKey) {
      event.preventDefault();
      if (!card.fixed) move(self, card, movable(self).indexOf(card) + way);
      return;
    }
    if (event.key === "Delete" && !card.fixed) {
      event.preventDefault();
      return act(self, "remove", card);
    }
    const target = cards[{ Home: 0, End: cards.length - 1 }[event.key] ?? (way ? here + way : -1)];
    if (!target) return;
    event.preventDefault();
    roam(self, target);
    target.querySelector(".pick").focus();
  });
}

function fill(self, card, data) {
  const { words } = self.data;
  card.dataset.id = data.id;
  card.fixed = data.fixed;
  card.classList.toggle("off", !data.on);
  card.classList.toggle("turned", Boolean(data.flag));
  card.classList.toggle("broken", Boolean(data.problem));
  const set = (selector, text) => {
    const element = card.querySelector(selector);
    if (element.textContent !== text) element.textContent = text;
  };
  set(".title", data.title);
  set(".name", data.problem || data.name);
  set(".text", data.text);
  card.querySelector(".share").hidden = Boolean(data.problem);
  card.querySelector(".meter i").style.width = `${100 * clamp(data.share, 0, 1)}%`;
  const img = card.querySelector("img");
  img.hidden = !data.source;
  if (data.source) show(img, data.source);
  img.onload = () => img.parentElement.classList.toggle("tiny", Math.max(img.naturalWidth, img.naturalHeight) <= 64);
  card.querySelector(".flag").hidden = !data.flag;
  const pick = card.querySelector(".pick");
  pick.title = [data.title, data.problem || `${data.name} ${data.text}`, data.flag].filter(Boolean).join("\n");
  pick.setAttribute("aria-label", [data.title, data.alt, data.problem || `${data.name} ${data.text}`, data.flag].filter(Boolean).join(". "));
  if (!data.fixed) pick.setAttribute("aria-keyshortcuts", "Alt+ArrowLeft Alt+ArrowRight Delete");
  card.querySelector(".tools").hidden = data.fixed;
  for (const name of ["left", "right", "switch", "remove"]) {
    const button = card.querySelector(`.${name}`);
    const word = name === "switch" ? words[data.on ? "off" : "on"] : words[name];
    button.title = word;
    button.setAttribute("aria-label", `${word}: ${data.title}`);
  }
}

export default function (component) {
  const self = instance(component, build);
  const { data, row } = self;
  row.setAttribute("aria-label", data.alt);
  const known = new Map([...row.children].map((card) => [card.dataset.id, card]));
  const cards = data.cards.map((entry) => {
    const card = known.get(entry.id) ?? make();
    known.delete(entry.id);
    fill(self, card, entry);
    return card;
  });
  for (const gone of known.values()) gone.remove();
  order(self, inOrder(self, cards));
  choose(self, data.selected);
  // Bring the chosen one into the row's view, once for each choice, without moving the page.
  const chosen = row.querySelector(".card.chosen");
  const place = `${data.selected} ${cards.length}`;
  if (chosen && self.seen !== place) {
    const left = chosen.offsetLeft - row.offsetLeft;
    if (left < row.scrollLeft || left + chosen.offsetWidth > row.scrollLeft + row.clientWidth) row.scrollLeft = left - (row.clientWidth - chosen.offsetWidth) / 2;
  }
  self.seen = place;
  edges(self);
  return () => self.sized.disconnect();
}
