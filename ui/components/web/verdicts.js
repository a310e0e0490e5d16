function build(self) {
  self.rows = self.find(".verdicts");
  walkColumn(self, self.rows);
}

function make(still) {
  const row = document.createElement(still ? "div" : "button");
  if (still) row.setAttribute("role", "listitem");
  else {
    row.type = "button";
    row.setAttribute("role", "radio");
  }
  row.innerHTML =
    '<span class="name"></span><span class="told"><b></b><span class="share"></span></span>' +
    '<span class="axis" aria-hidden="true"><span class="band"></span><i></i><span class="before" hidden></span></span>';
  return row;
}

export default function (component) {
  const self = instance(component, build);
  const { data, rows } = self;
  const [low, high] = data.band;
  rows.setAttribute("role", data.still ? "list" : "radiogroup");
  rows.setAttribute("aria-label", data.alt);
  for (const side of ["negative", "neither", "positive"]) self.find(`.scale .${side}`).textContent = data.words[side];
  while (rows.children.length > data.items.length) rows.lastElementChild.remove();
  while (rows.children.length < data.items.length) rows.append(make(data.still));
  data.items.forEach(({ id, name, word, positive, text, before }, i) => {
    const row = rows.children[i];
    const read = positive !== null;
    const side = !read ? "unread" : positive >= high ? "positive" : positive <= low ? "negative" : "neither";
    row.className = `verdict ${side}`;
    row.dataset.id = id;
    row.querySelector(".name").textContent = name;
    row.querySelector("b").textContent = word;
    row.querySelector(".share").textContent = text;
    const band = row.querySelector(".band");
    band.style.left = `${100 * low}%`;
    band.style.width = `${100 * (high - low)}%`;
    const bar = row.querySelector("i");
    bar.hidden = !read;
    bar.style.left = `${100 * Math.min(positive, 0.5)}%`;
    bar.style.width = `${100 * Math.abs(positive - 0.5)}%`;
    const mark = row.querySelector(".before");
    mark.hidden = before === null;
    if (before !== null) {
      mark.style.left = `${100 * clamp(before, 0.01, 0.99)}%`;
      row.title = `${data.words.before} ${Math.round(100 * before)}%`;
    }
    if (!data.still) row.setAttribute("aria-checked", id === data.selected);
  });
  if (!data.still) roamIn(self.rows.children, [...rows.children].find((row) => row.dataset.id === data.selected) ?? rows.children[0]);
}
