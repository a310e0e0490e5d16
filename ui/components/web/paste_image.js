const LONGEST = 1600; // pixels: more than any page shows, and far below what a message may hold
const TINY = 320; // small pictures keep their exact pixels

const KEYS = /Mac|iP/.test(navigator.platform) ? "⌘V" : "Ctrl+V";

function complain(self, yes) {
  const error = self.find(".error");
  error.textContent = yes ? self.data.error.replace("Ctrl+V", KEYS) : "";
  error.hidden = !yes;
}

// Drawn anew at a bounded size: any format the browser knows becomes a JPEG or PNG, without its metadata.
async function recode(blob) {
  const bitmap = await createImageBitmap(blob);
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let seeThrough = false;
  for (let i = 3; i < pixels.length && !seeThrough; i += 4) seeThrough = pixels[i] < 255;
  const exact = seeThrough || Math.max(canvas.width, canvas.height) <= TINY;
  return new Promise((done) => canvas.toBlob(done, exact ? "image/png" : "image/jpeg", 0.92));
}

function base64(blob) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}

async function take(self, blob) {
  const area = self.find(".area");
  area.setAttribute("aria-busy", "true");
  try {
    const small = await recode(blob);
    if (!small || small.size > self.data.max) throw new Error("too large");
    complain(self, false);
    self.send("paste", await base64(small));
  } catch {
    complain(self, true);
  } finally {
    area.removeAttribute("aria-busy");
  }
}

function build(self) {
  // Ctrl+V anywhere on the page, except where a visitor is writing and pastes words.
  self.onPaste = (event) => {
    const target = event.composedPath()[0];
    const files = [...(event.clipboardData?.files ?? [])];
    const image = files.find((file) => file.type.startsWith("image/"));
    const writing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA)$/.test(target.tagName));
    if (writing && (!image || event.clipboardData.types.includes("text/plain"))) return;
    if (image) {
      event.preventDefault();
      take(self, image);
    } else if (files.length || target === self.find(".area")) {
      complain(self, true);
    }
  };
  document.addEventListener("paste", self.onPaste);
  self.find(".area").addEventListener("click", async () => {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((name) => name.startsWith("image/"));
        if (type) return take(self, await item.getType(type));
      }
    } catch {
      // no permission, or a browser without it: the words below say what to do
    }
    complain(self, true);
  });
}

export default function (component) {
  const self = instance(component, build);
  setWords(self, { ".words": self.data.label, ".keys": KEYS });
  if (!self.find(".error").hidden) complain(self, true); // the language may have changed
  return () => document.removeEventListener("paste", self.onPaste);
}
