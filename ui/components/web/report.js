// The page as a file: a copy of what is shown, element by element, out of lists of what is allowed.

const SVG = "http://www.w3.org/2000/svg";
const MATHML = "http://www.w3.org/1998/Math/MathML";

const HTML_TAGS = new Set(
  ("h1 h2 h3 h4 h5 h6 p div span ul ol li dl dt dd strong em b i s u small sub sup code pre blockquote table thead tbody tr th td " +
   "caption figure figcaption hr br mark section article main header").split(" "),
);
const SVG_TAGS = new Set(
  ("svg g path rect circle ellipse line polyline polygon text tspan defs clipPath linearGradient radialGradient stop image use mask " +
   "pattern marker symbol title desc").split(" "),
);
const SKIPPED = [
  "script", "style", "link", "noscript", "iframe", "object", "template", "audio", "video", "input[type=file]", "input[type=hidden]",
  "[hidden]", ".unseen", ".st-key-tools", ".st-key-presenter", ".st-key-photo_ways", ".st-key-footer a", ".modebar-container", ".hoverlayer",
  '[data-testid="stFileUploader"]', '[data-testid="stElementToolbar"]', '[data-testid="stSpinner"]', '[data-testid="stTooltipIcon"]',
  '[data-testid="stIconMaterial"]', '[data-testid="stCameraInput"]', '[role="tooltip"]', ".katex-html",
].join(",");

// Emitted where it is not the value that stands beside it; the inherited ones where the parent has another.
const BOX = {
  display: "", position: "static", top: "auto", right: "auto", bottom: "auto", left: "auto", "z-index": "auto", float: "none",
  "flex-direction": "row", "flex-wrap": "nowrap", "flex-grow": "0", "flex-shrink": "1", "flex-basis": "auto", "align-items": "normal",
  "justify-content": "normal", "align-self": "auto", order: "0", "row-gap": "normal", "column-gap": "normal",
  "grid-template-columns": "none", "grid-template-rows": "none", "grid-column": "auto", "grid-row": "auto",
  width: "auto", height: "auto", "min-width": "auto", "max-width": "none", "margin-top": "0px", "margin-right": "0px",
  "margin-bottom": "0px", "margin-left": "0px", "padding-top": "0px", "padding-right": "0px", "padding-bottom": "0px",
  "padding-left": "0px", "background-color": "rgba(0, 0, 0, 0)", "background-image": "none", "background-size": "auto",
  "background-position": "0% 0%", "background-repeat": "repeat", "border-top-left-radius": "0px", "border-top-right-radius": "0px",
  "border-bottom-left-radius": "0px", "border-bottom-right-radius": "0px", opacity: "1", "overflow-x": "visible", "overflow-y": "visible",
  "object-fit": "fill", "image-rendering": "auto", transform: "none", "vertical-align": "baseline", "mix-blend-mode": "normal",
  "clip-path": "none", filter: "none", "box-shadow": "none", "text-decoration-line": "none", "text-overflow": "clip", "list-style-type": "disc",
};
const INHERITED = [
  "color", "font-size", "font-weight", "font-style", "font-family", "line-height", "letter-spacing", "text-align", "white-space",
  "text-transform", "overflow-wrap", "font-variant-numeric",
];
const DRAWN = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity",
  "font-size", "font-family", "font-weight", "text-anchor", "dominant-baseline", "stop-color", "stop-opacity", "visibility",
];

// Of Streamlit's icons, which are letters of a font, those that say something.
const ICONS = { check: "✓", check_circle: "✓", close: "✗", cancel: "✗", error: "⚠", warning: "⚠", help: "?", lock: "🔒", arrow_upward: "↑", arrow_downward: "↓" };
const icon = (style) => /Material Symbols/i.test(style.fontFamily);

// --- one report --------------------------------------------------------------------------------------

function begin(language, title) {
  const page = document.implementation.createHTMLDocument(title);
  page.documentElement.lang = language;
  return { page, classes: new Map(), waits: [], roomy: new Set() };
}

function dressed(job, element, rules) {
  if (!rules.length) return;
  const text = rules.join(";");
  if (!job.classes.has(text)) job.classes.set(text, `c${job.classes.size}`);
  element.setAttribute("class", job.classes.get(text));
}

// An address inside a value is let through only where it is a picture in the file or a part of the same drawing.
const harmless = (value) => !/url\(/i.test(value) || /^url\(["']?(data:image\/|#)/i.test(value);

function look(style, parent) {
  const rules = [];
  const cut = style.textOverflow === "ellipsis"; // words have the room that they need: another font may be wider
  for (const [name, usual] of Object.entries(BOX)) {
    let value = style.getPropertyValue(name);
    if (cut && /^(overflow|width|max-width|text-overflow)/.test(name)) continue;
    if (name === "position" && (value === "sticky" || value === "fixed")) value = "static";
    if (name.startsWith("overflow") && (value === "auto" || value === "scroll")) value = "hidden";
    if (value && value !== usual && harmless(value)) rules.push(`${name}:${value}`);
  }
  for (const side of ["top", "right", "bottom", "left"]) {
    if (style.getPropertyValue(`border-${side}-style`) === "none" || style.getPropertyValue(`border-${side}-width`) === "0px") continue;
    rules.push(`border-${side}:${["width", "style", "color"].map((part) => style.getPropertyValue(`border-${side}-${part}`)).join(" ")}`);
  }
  for (const name of INHERITED) {
    const value = style.getPropertyValue(name);
    if (!parent || value !== parent.getPropertyValue(name)) rules.push(`${name}:${value}`);
  }
  return rules;
}

const asDataUri = (blob) => new Promise((done, fail) => {
  const reader = new FileReader();
  reader.onload = () => done(reader.result);
  reader.onerror = () => fail(reader.error);
  reader.readAsDataURL(blob);
});

// A picture of the page's own server, as it came; one that cannot be read is left to its words.
function carry(job, image, source) {
  if (/^data:image\//i.test(source)) return image.setAttribute("src", source);
  job.waits.push(
    fetch(source).then((answer) => answer.blob()).then(asDataUri).then(
      (uri) => { if (/^data:image\//i.test(uri)) image.setAttribute("src", uri); },
      () => {},
    ),
  );
}

function picture(job, node, style, parent) {
  const image = job.page.createElement("img");
  image.setAttribute("alt", node.getAttribute("alt") ?? node.getAttribute("aria-label") ?? "");
  if (node.tagName === "CANVAS") {
    try {
      image.setAttribute("src", node.toDataURL("image/png"));
    } catch {
      return null; // it holds a picture of somewhere else
    }
  } else {
    carry(job, image, node.currentSrc || node.src);
  }
  dressed(job, image, look(style, parent));
  return image;
}

function written(node) {
  if (node.tagName === "SELECT") return node.selectedOptions[0]?.textContent ?? "";
  if (node.type === "checkbox" || node.type === "radio") return node.checked ? "☑" : "☐";
  return node.type === "password" ? "" : node.value;
}

function drawing(job, node) {
  const tag = node.localName;
  if (!SVG_TAGS.has(tag)) return null;
  const style = getComputedStyle(node);
  if (style.display === "none") return null;
  const copy = job.page.createElementNS(SVG, tag);
  for (const { name, value } of node.attributes) {
    if (/^(on|xmlns|style$|class$|xlink|data-)/i.test(name) || !harmless(value)) continue;
    if (name === "href" && !/^(#|data:image\/)/i.test(value)) continue;
    copy.setAttribute(name, value);
  }
  const reference = node.getAttribute("href") ?? node.getAttributeNS("http://www.w3.org/1999/xlink", "href");
  if (reference && /^(#|data:image\/)/i.test(reference)) copy.setAttribute("href", reference);
  const rules = DRAWN.map((name) => [name, style.getPropertyValue(name)]).filter(([, value]) => value && harmless(value));
  const spelled = rules.map(([name, value]) => `${name}:${value}`);
  dressed(job, copy, tag === "svg" && !(node.parentNode instanceof SVGElement) ? [...look(style, null), ...spelled] : spelled);
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.data);
    else if (child.nodeType === Node.ELEMENT_NODE && child.namespaceURI === SVG) {
      const inner = drawing(job, child);
      if (inner) copy.append(inner);
    }
  }
  return copy;
}

function formula(job, node) {
  if (/^(annotation-xml|maction)$/.test(node.localName)) return null;
  const copy = job.page.createElementNS(MATHML, node.localName);
  for (const { name, value } of node.attributes) {
    if (/^(on|href|src|style|class|xlink|xmlns)/i.test(name)) continue;
    copy.setAttribute(name, value);
  }
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) copy.append(child.data);
    else if (child.namespaceURI === MATHML) copy.append(formula(job, child) ?? "");
  }
  return copy;
}

function beside(job, node, which, parent) {
  const style = getComputedStyle(node, which);
  const content = style.content;
  if (!content || content === "none" || content === "normal" || style.display === "none" || /url\(|counter/.test(content)) return null;
  const span = job.page.createElement("span");
  span.textContent = content.startsWith('"') ? JSON.parse(content.replace(/\\[^"\\]/g, " ")) : "";
  dressed(job, span, look(style, parent));
  return span;
}

function copied(job, node, parent) {
  if (node.nodeType === Node.TEXT_NODE) return job.page.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  if (node.namespaceURI === SVG) return drawing(job, node);
  if (node.namespaceURI === MATHML) return formula(job, node);
  if (node.matches(SKIPPED)) return null;
  const style = getComputedStyle(node);
  if (style.display === "none" || style.visibility === "hidden") return null;
  if (style.display !== "contents" && !node.getClientRects().length) return null;
  if (node.tagName === "IMG" || node.tagName === "CANVAS") return picture(job, node, style, parent);
  if (icon(style)) return job.page.createTextNode(ICONS[node.textContent.trim()] ?? "");
  const math = node.matches(".katex") && node.querySelector("math");
  if (math) {
    const written = formula(job, math);
    dressed(job, written, INHERITED.slice(0, 2).map((name) => `${name}:${style.getPropertyValue(name)}`));
    return written;
  }
  const known = HTML_TAGS.has(node.localName);
  const copy = job.page.createElement(known ? node.localName : style.display.startsWith("inline") ? "span" : "div");
  const rules = look(style, parent);
  // A formula is set by the reader's own browser and may need more room than it had.
  dressed(job, copy, job.roomy.has(node) ? rules.filter((rule) => !rule.startsWith("overflow")) : rules);
  if (node.type === "range") {
    const share = (100 * (node.value - (node.min || 0))) / ((node.max || 100) - (node.min || 0) || 1);
    const line = `linear-gradient(to right,${style.getPropertyValue("--st-primary-color").trim() || "currentColor"} ${share}%,rgba(128,128,128,0.3) ${share}%)`;
    dressed(job, copy, [...rules, "height:4px", "align-self:center", "border-radius:2px", `background:${line}`]);
    return copy;
  }
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(node.tagName)) {
    copy.textContent = written(node);
    return copy;
  }
  const before = beside(job, node, "::before", style);
  const after = beside(job, node, "::after", style);
  if (before) copy.append(before);
  for (const child of (node.shadowRoot ?? node).childNodes) {
    const inner = copied(job, child, style);
    if (inner) copy.append(inner);
  }
  if (after) copy.append(after);
  return copy;
}

// The page's own letters, so that every word has the width that it had.
async function letters() {
  const faces = [...document.styleSheets].flatMap((sheet) => {
    try {
      return [...sheet.cssRules].filter((rule) => rule instanceof CSSFontFaceRule);
    } catch {
      return []; // a sheet from somewhere else
    }
  });
  const own = faces.filter((rule) => /Source Sans/i.test(rule.style.getPropertyValue("font-family")) && rule.style.getPropertyValue("font-style") !== "italic");
  return Promise.all(own.map(async (rule) => {
    const source = /url\(["']?([^"')]+)/.exec(rule.style.getPropertyValue("src"))?.[1];
    try {
      const uri = await asDataUri(await (await fetch(new URL(source, rule.parentStyleSheet.href ?? document.baseURI))).blob());
      const named = ["font-family", "font-weight", "unicode-range"].map((name) => `${name}:${rule.style.getPropertyValue(name)}`).filter((one) => !one.endsWith(":"));
      return `@font-face{${named.join(";")};src:url("data:font/woff2;base64,${uri.slice(uri.indexOf(",") + 1)}")}`;
    } catch {
      return "";
    }
  }));
}

async function made(root, { language, title, foot }) {
  const job = begin(language, title);
  const { page } = job;
  const shown = getComputedStyle(document.querySelector('[data-testid="stApp"]') ?? document.body);
  for (const formula of root.querySelectorAll(".katex-display")) {
    for (let box = formula; box && box !== root; box = box.parentElement) job.roomy.add(box);
  }
  const body = copied(job, root, null);
  await Promise.all(job.waits);
  const end = page.createElement("footer");
  for (const line of foot) end.append(Object.assign(page.createElement("p"), { textContent: line }));
  page.body.append(body, end);
  const head = (name, attributes) => {
    const element = page.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    page.head.prepend(element);
  };
  head("meta", { name: "viewport", content: "width=device-width" });
  head("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'" });
  head("meta", { charset: "utf-8" });
  const style = page.createElement("style");
  const wide = Math.ceil(root.getBoundingClientRect().width);
  const rules = [...job.classes].map(([text, name]) => `.${name}{${text}}`);
  style.textContent = [
    ...(await letters()),
    `*{box-sizing:border-box;margin:0}`,
    `html{background:${shown.backgroundColor};color:${shown.color};font-family:${shown.fontFamily};-webkit-print-color-adjust:exact;print-color-adjust:exact}`,
    `body{width:${wide}px;margin:0 auto}`,
    `footer{padding:1rem 5rem 2rem;font-size:0.8rem;opacity:0.75;overflow-wrap:anywhere}`,
    `math{font-family:math;white-space:nowrap}`,
    `@page{margin:8mm}@media print{html{zoom:${Math.min(1, 730 / wide).toFixed(3)}}}`,
    ...rules,
  ].join("\n");
  page.head.append(style);
  return `<!DOCTYPE html>\n${page.documentElement.outerHTML}\n`;
}

// --- the button --------------------------------------------------------------------------------------

function build(self) {
  const button = self.find("button");
  button.addEventListener("click", async () => {
    if (button.disabled) return;
    button.disabled = true;
    self.find(".words").textContent = self.data.working;
    try {
      const address = window.location.href.replace("/~/+/", "/");
      const date = new Date().toLocaleDateString(self.data.language === "zh" ? "zh-CN" : "en-GB", { dateStyle: "long" });
      const foot = self.data.foot.map((line) => line.replace("{date}", date).replace("{address}", address));
      const root = document.querySelector('[data-testid="stMainBlockContainer"]');
      const text = await made(root, { language: self.data.language, title: document.title, foot });
      const file = URL.createObjectURL(new Blob([text], { type: "text/html" }));
      Object.assign(document.createElement("a"), { href: file, download: `${self.data.name}.html` }).click();
      setTimeout(() => URL.revokeObjectURL(file), 60_000);
    } finally {
      button.disabled = false;
      self.find(".words").textContent = self.data.label;
    }
  });
}

export default function (component) {
  const self = instance(component, build);
  if (!self.find("button").disabled) self.find(".words").textContent = self.data.label;
  self.find("button").title = self.data.help;
}
