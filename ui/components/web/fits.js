const rowsOf = (self) => [...self.list.querySelectorAll(".row:not(.still)")];

function roam(self, to) {
  for (const row of rowsOf(self)) row.tabIndex = row === to ? 0 : -1;
}

function send(self, act, value) {
  self.send("act", { act, value });
}

function build(self) {
  self.list = self.find(".fits");
  const area = (self.area = self.find("textarea"));
  const add = () => {
    if (!area.value.trim()) return;
    send(self, "add", area.value);
    area.value = "";
  };
  self.find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    add();
    area.focus();
  });
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    add();
  });
  // Several lines that are pasted are several prompts, and are taken at once.
  area.addEventListener("input", (event) => {
    if (event.inputType === "insertFromPaste" && area.value.trim().includes("\n")) add();
  });
  self.list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || button.classList.contains("still")) return;
    const { id } = button.parentElement.dataset;
    if (button.classList.contains("remove")) return send(self, "remove", id);
    for (const row of rowsOf(self)) row.setAttribute("aria-checked", row === button);
    roam(self, button);
    send(self, "pick", id);
  });
  self.list.addEventListener("keydown", (event) => {
    const row = event.target.closest(".row");
    if (!row) return;
    if (event.key === "Delete") return row.parentElement.querySelector(".remove:not([hidden])")?.click();
    const rows = rowsOf(self);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const next = step && rows[rows.indexOf(row) + step];
    if (!next) return;
    event.preventDefault();
    roam(self, next);
    next.focus();
  });
}

function makeFit() {
  const fit = document.createElement("div");
  fit.innerHTML =
    '<button type="button" class="row" role="radio"><span class="words"><span class="text"></span><span class="tag"></span></span><span class="number"></span><span class="why"></span><span class="track" aria-hidden="true"><i></i></span></button>' +
    '<button type="button" class="remove"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="m7 7 10 10M17 7 7 17"/></svg></button>';
  return fit;
}

export default function (component) {
  const self = instance(component, build);
  const { data, list, area } = self;
  list.setAttribute("aria-label", data.alt);
  area.maxLength = data.longest;
  area.setAttribute("aria-label", data.words.field);
  area.placeholder = data.words.placeholder;
  const submit = self.find(".add button");
  submit.title = data.words.add;
  submit.setAttribute("aria-label", data.words.add);
  while (list.children.length > data.items.length) list.lastElementChild.remove();
  while (list.children.length < data.items.length) list.append(makeFit());
  data.items.forEach((item, i) => {
    const fit = list.children[i];
    fit.className = `fit ${item.kind}`;
    fit.dataset.id = item.id;
    const row = fit.querySelector(".row");
    const still = item.kind === "none" || item.kind === "problem";
    row.classList.toggle("still", still);
    row.title = item.kind === "problem" ? item.text : `${item.text}\n${item.told}`;
    row.setAttribute("aria-checked", item.id === data.selected);
    row.setAttribute("aria-disabled", still);
    if (still) row.tabIndex = -1;
    fit.querySelector(".text").textContent = item.text;
    fit.querySelector(".tag").textContent = item.tag;
    fit.querySelector(".tag").hidden = !item.tag;
    fit.querySelector(".number").textContent = item.number;
    fit.querySelector(".why").textContent = item.kind === "problem" ? item.told : "";
    fit.querySelector("i").style.width = `${item.share * 100}%`;
    const remove = fit.querySelector(".remove");
    remove.hidden = item.kind === "none";
    const told = data.words.remove.replace("{text}", () => item.text);
    remove.title = told;
    remove.setAttribute("aria-label", told);
  });
  const rows = rowsOf(self);
  roam(self, rows.find((row) => row.parentElement.dataset.id === data.selected) ?? rows[0]);
}
