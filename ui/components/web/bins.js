const SIDE = 640; // pixels of the longer side that are sent
const SHOTS = 160; // milliseconds between two pictures while the button is held
const PICTURES = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 5v14M5 12h14"/></svg>';
const CAMERA = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 8h3l2-3h6l2 3h3v11H4z"/><circle cx="12" cy="13" r="3.6"/></svg>';
const CROSS = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m7 7 10 10M17 7 7 17"/></svg>';

const laneOf = (self, element) => [...self.lanes.children].indexOf(element.closest(".lane"));

function act(self, what) {
  self.send("act", { token: `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`, ...what });
}

// --- pictures on their way to the page ----------------------------------------------------------------

function base64(blob) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}

function drawn(source, width, height) {
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // under what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
}

// What the browser cannot draw goes as it is: the page can read more kinds, and tells what it cannot.
async function reduced(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const blob = await drawn(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
    if (blob) return blob;
  } catch {
    // told by the page
  }
  return file.size <= SELF_MOST ? file : file.slice(0, 64);
}
let SELF_MOST = 20_000_000;

// Messages wait here until the page has said that it took the one before.
async function enqueue(self, label, files) {
  const memory = self.memory;
  memory.waiting ??= [];
  const name = self.data.lanes[label]?.name ?? "";
  for (const file of files) memory.waiting.push({ label, name, file });
  busy(self);
  if (!memory.sending) await next(self);
}

async function next(self) {
  const memory = self.memory;
  if (!memory.waiting?.length) {
    memory.sending = null;
    busy(self);
    return;
  }
  const { name } = memory.waiting[0];
  const label = self.data.lanes.findIndex((lane) => lane.name === name);
  const batch = [];
  let bytes = 0;
  memory.sending = "…";
  while (memory.waiting.length && memory.waiting[0].name === name && batch.length < self.data.at_once && bytes < 6_000_000) {
    const { file } = memory.waiting.shift();
    const blob = await reduced(file);
    bytes += blob.size;
    batch.push({ name: file.name || "", data: await base64(blob) });
  }
  if (label < 0) return next(self); // the class is gone
  const token = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;
  memory.sending = token;
  busy(self);
  self.send("act", { token, act: "add", label, pictures: batch });
}

function busy(self) {
  const left = self.memory.waiting?.length ?? 0;
  const line = self.find(".busy");
  line.hidden = !left && !self.memory.sending;
  line.textContent = self.data.words.sending.replace("{count}", String(left));
}

// --- the camera ----------------------------------------------------------------------------------------

function stopCamera(self) {
  clearInterval(self.shooting);
  self.stream?.getTracks().forEach((track) => track.stop());
  self.stream = null;
  self.camera?.remove();
  self.camera = null;
}

async function startCamera(self, lane) {
  const again = self.camera?.closest(".lane") === lane;
  stopCamera(self);
  if (again) return;
  const { words } = self.data;
  const panel = document.createElement("div");
  panel.className = "camera";
  panel.innerHTML = '<video autoplay playsinline muted></video><div><button type="button" class="shoot"></button><button type="button" class="close"></button><p role="status"></p></div>';
  panel.querySelector(".shoot").textContent = words.shoot;
  panel.querySelector(".close").textContent = words.close;
  const status = panel.querySelector("p");
  lane.append(panel);
  self.camera = panel;
  panel.querySelector(".close").addEventListener("click", () => stopCamera(self));
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 640 } }, audio: false });
    if (self.camera !== panel) return stream.getTracks().forEach((track) => track.stop());
    self.stream = stream;
    panel.querySelector("video").srcObject = stream;
  } catch {
    status.textContent = words.no_camera;
    panel.querySelector(".shoot").disabled = true;
    return;
  }
  const button = panel.querySelector(".shoot");
  let taken = [];
  const shot = async () => {
    const video = panel.querySelector("video");
    if (!video.videoWidth) return;
    const side = Math.min(video.videoWidth, video.videoHeight);
    const square = document.createElement("canvas");
    square.width = square.height = Math.min(480, side);
    square.getContext("2d").drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, 0, 0, square.width, square.height);
    const blob = await new Promise((done) => square.toBlob(done, "image/jpeg", 0.92));
    self.memory.shots = (self.memory.shots ?? 0) + 1;
    taken.push(new File([blob], `${words.shot} ${self.memory.shots}.jpg`, { type: "image/jpeg" }));
    status.textContent = words.taken.replace("{count}", String(taken.length));
  };
  const begin = (event) => {
    if (self.shooting || (event.type === "keydown" && event.key !== " " && event.key !== "Enter")) return;
    event.preventDefault();
    button.classList.add("on");
    taken = [];
    self.shooting = setInterval(shot, SHOTS);
    shot();
  };
  const end = () => {
    if (!self.shooting) return;
    clearInterval(self.shooting);
    self.shooting = null;
    button.classList.remove("on");
    setTimeout(() => { if (taken.length) enqueue(self, laneOf(self, panel), taken); }, 120); // the last one is still being drawn
  };
  button.addEventListener("pointerdown", begin);
  button.addEventListener("keydown", begin);
  for (const name of ["pointerup", "pointercancel", "pointerleave", "keyup", "blur"]) button.addEventListener(name, end);
}

// --- lanes ---------------------------------------------------------------------------------------------

function makeLane(self) {
  const lane = document.createElement("section");
  lane.className = "lane";
  lane.innerHTML =
    '<div class="top"><input class="name" type="text" maxlength="60" autocomplete="off" spellcheck="false"><span class="count"></span><span class="tools">' +
    `<label class="add">${PICTURES}<span></span><input type="file" multiple accept="image/*,.heic,.heif,.avif"></label>` +
    `<button type="button" class="pen">${PICTURES}<span></span></button>` +
    `<button type="button" class="film">${CAMERA}<span></span></button><button type="button" class="remove">${CROSS}</button></span></div>` +
    '<div class="track" aria-hidden="true"><i></i></div><div class="items" role="group"></div>' +
    '<div class="write" hidden><textarea></textarea><button type="button"></button></div>';
  const at = () => laneOf(self, lane);
  const name = lane.querySelector(".name");
  name.addEventListener("keydown", (event) => {
    if (event.key === "Enter") name.blur();
    if (event.key === "Escape") { name.value = self.data.lanes[at()].name; name.blur(); }
  });
  name.addEventListener("change", () => {
    const wanted = name.value.trim();
    const had = self.data.lanes[at()].name;
    if (wanted && wanted !== had) act(self, { act: "rename", label: at(), name: wanted });
    else name.value = had;
  });
  lane.querySelector("input[type=file]").addEventListener("change", (event) => {
    enqueue(self, at(), [...event.target.files]);
    event.target.value = "";
  });
  lane.querySelector(".film").addEventListener("click", () => startCamera(self, lane));
  lane.querySelector(".remove").addEventListener("click", () => act(self, { act: "remove", label: at() }));
  lane.querySelector(".pen").addEventListener("click", () => {
    const write = lane.querySelector(".write");
    write.hidden = !write.hidden;
    if (!write.hidden) write.querySelector("textarea").focus();
  });
  lane.querySelector(".write button").addEventListener("click", () => {
    const area = lane.querySelector("textarea");
    if (area.value.trim()) act(self, { act: "write", label: at(), text: area.value });
    area.value = "";
  });
  lane.addEventListener("dragover", (event) => {
    if (self.data.kind !== "images" || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    lane.classList.add("over");
  });
  lane.addEventListener("dragleave", (event) => {
    if (!lane.contains(event.relatedTarget)) lane.classList.remove("over");
  });
  lane.addEventListener("drop", (event) => {
    if (self.data.kind !== "images") return;
    event.preventDefault();
    lane.classList.remove("over");
    enqueue(self, at(), [...event.dataTransfer.files]);
  });
  lane.querySelector(".items").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.classList.contains("more")) return act(self, { act: "more", label: at() });
    const { id } = button.dataset;
    if (self.chosen.has(id)) self.chosen.delete(id);
    else self.chosen.add(id);
    choose(self);
  });
  lane.querySelector(".items").addEventListener("keydown", (event) => {
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    const here = buttons.indexOf(event.target.closest("button"));
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (here < 0 || !step || !buttons[here + step]) return;
    event.preventDefault();
    for (const each of buttons) each.tabIndex = each === buttons[here + step] ? 0 : -1;
    buttons[here + step].focus();
  });
  return lane;
}

function choose(self) {
  const there = new Set();
  for (const button of self.lanes.querySelectorAll(".items > button[data-id]")) {
    there.add(button.dataset.id);
    button.setAttribute("aria-pressed", self.chosen.has(button.dataset.id));
  }
  for (const id of self.chosen) if (!there.has(id)) self.chosen.delete(id);
  self.find(".acts").hidden = !self.chosen.size;
  self.find(".acts .chosen").textContent = self.data.words.chosen.replace("{count}", String(self.chosen.size));
}

function fill(lane, { items, more }, data) {
  const box = lane.querySelector(".items");
  const wanted = JSON.stringify([items.map((item) => [item.id, item.test, item.title]), more, data.words.empty]);
  if (box.wanted === wanted) return;
  box.wanted = wanted;
  const old = new Map([...box.querySelectorAll("button[data-id]")].map((button) => [button.dataset.id, button]));
  const all = items.map(({ id, source, text, title, test }) => {
    let button = old.get(id);
    if (!button) {
      button = Object.assign(document.createElement("button"), { type: "button", tabIndex: -1 });
      button.dataset.id = id;
      if (source) button.append(Object.assign(document.createElement("img"), { alt: "", src: source, loading: "lazy" }));
      else button.textContent = text;
    }
    button.title = title;
    button.setAttribute("aria-label", title);
    button.classList.toggle("test", test);
    return button;
  });
  if (more) all.push(Object.assign(document.createElement("button"), { type: "button", className: "more", textContent: more, tabIndex: -1 }));
  if (!items.length) all.push(Object.assign(document.createElement("span"), { className: "empty", textContent: data.words.empty }));
  box.replaceChildren(...all);
  box.classList.toggle("all", data.kind === "images" && items.length > 24);
  const first = box.querySelector("button");
  if (first) first.tabIndex = 0;
}

function build(self) {
  self.lanes = self.find(".lanes");
  self.chosen = new Set();
  self.find(".new").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = self.find(".new input");
    const name = field.value.trim();
    if (name) act(self, { act: self.data.kind === "images" ? "add" : "write", label: self.data.lanes.length, name });
    field.value = "";
  });
  self.find(".away").addEventListener("click", () => act(self, { act: "drop", label: 0, ids: [...self.chosen] }));
  self.find(".nothing").addEventListener("click", () => { self.chosen.clear(); choose(self); });
  self.find(".to").addEventListener("change", (event) => {
    if (event.target.value) act(self, { act: "move", label: Number(event.target.value), ids: [...self.chosen] });
    event.target.value = "";
    self.chosen.clear();
  });
  self.box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && self.chosen.size) { self.chosen.clear(); choose(self); }
  });
}

export default function (component) {
  const self = instance(component, build);
  const { data, lanes } = self;
  const { words } = data;
  SELF_MOST = data.most;
  lanes.setAttribute("aria-label", data.alt);
  self.box.classList.toggle("written", data.kind === "texts");
  while (lanes.children.length > data.lanes.length) lanes.lastElementChild.remove();
  while (lanes.children.length < data.lanes.length) lanes.append(makeLane(self));
  data.lanes.forEach((item, i) => {
    const lane = lanes.children[i];
    const name = lane.querySelector(".name");
    if (name !== self.box.getRootNode().activeElement) name.value = item.name;
    name.readOnly = item.fixed;
    name.setAttribute("aria-label", words.name.replace("{number}", String(i + 1)));
    lane.setAttribute("aria-label", item.name);
    lane.querySelector(".count").textContent = item.counts;
    lane.querySelector(".track > i").style.width = `${item.share * 100}%`;
    const images = data.kind === "images";
    lane.querySelector(".add").hidden = lane.querySelector(".film").hidden = !images;
    lane.querySelector(".pen").hidden = images;
    lane.querySelector(".add span").textContent = words.add;
    lane.querySelector(".pen span").textContent = words.add;
    lane.querySelector(".film span").textContent = words.camera;
    lane.querySelector(".add input").setAttribute("aria-label", `${words.add}: ${item.name}`);
    lane.querySelector(".film").setAttribute("aria-label", `${words.camera}: ${item.name}`);
    lane.querySelector(".remove").setAttribute("aria-label", words.remove.replace("{name}", () => item.name));
    lane.querySelector(".remove").title = words.remove.replace("{name}", () => item.name);
    lane.querySelector("textarea").placeholder = words.lines;
    lane.querySelector("textarea").setAttribute("aria-label", `${words.add}: ${item.name}`);
    lane.querySelector(".write button").textContent = words.write;
    fill(lane, item, data);
  });
  const field = self.find(".new input");
  field.placeholder = words.new;
  field.setAttribute("aria-label", words.new);
  self.find(".new button").textContent = words.make;
  const to = self.find(".to");
  const first = Object.assign(document.createElement("option"), { value: "", textContent: words.move });
  to.replaceChildren(first, ...data.lanes.map((lane, i) => Object.assign(document.createElement("option"), { value: String(i), textContent: lane.name })));
  to.setAttribute("aria-label", words.move);
  self.find(".away").textContent = words.drop;
  self.find(".nothing").textContent = words.cancel;
  choose(self);
  busy(self);
  if (self.memory.sending && self.memory.sending === data.acknowledged) next(self);
  return () => stopCamera(self);
}
