const STATE = "data-test-connection-state";
const HICCUP = 1500; // milliseconds that nobody need be told of
const PAUSE = 200; // in which Streamlit asks for a run itself, where it does; nor is a click to be overtaken
const HANDS = ["pointerdown", "pointerup", "keydown", "keyup"];
const NEAR = ["pointerover", "pointerdown", "focusin"]; // before a link can be followed
const PHONE = 768; // pixels, under which Streamlit lays the sidebar over the page
const FOLLOWED = 50; // milliseconds, in which the link is followed
const DIALOG = '[role="dialog"] > h2[slot="title"]';

const app = () => document.querySelector('[data-testid="stApp"]');
const connected = () => app().getAttribute(STATE) === "CONNECTED";
const resting = () => app().getAttribute("data-test-script-state") === "notRunning";

// Streamlit tells of a lost connection in English, over the whole page. Once it is closed, it stays so.
function hush() {
  for (const title of document.querySelectorAll(DIALOG)) title.parentElement.querySelector(":scope > button")?.click();
}

function lose(self) {
  self.lost = true;
  self.telling = setTimeout(() => { self.find(".lost").textContent = self.data.words; }, HICCUP);
  self.dialogs.observe(document.body, { childList: true });
  hush();
}

// Once nobody has touched anything for a moment; a run that goes on already says all there is to say.
function ask(self) {
  if (!connected() || !resting()) return;
  const left = self.touched + PAUSE - performance.now();
  if (left > 0) self.asking = setTimeout(ask, left, self);
  else self.send("back", true);
}

function regain(self) {
  self.lost = false;
  self.touched = performance.now();
  clearTimeout(self.telling);
  self.dialogs.disconnect();
  self.find(".lost").textContent = "";
  clearTimeout(self.asking);
  self.asking = setTimeout(ask, PAUSE, self);
}

// The first page has no name, so Streamlit's link to it is a bare query: another tab would take it for this page's.
function lead(event) {
  const link = event.target.closest?.('a[href^="?"]');
  if (link) link.setAttribute("href", `./${link.getAttribute("href")}`);
}

// A click with Ctrl means another tab, which Streamlit's links to pages do not know.
function aside(event) {
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest?.('[data-testid="stPageLink-NavLink"]')) event.stopPropagation();
}

// On a phone the list of pages lies over the page: it goes once one was chosen.
function fold(event) {
  if (window.innerWidth >= PHONE || !event.target.closest?.('[data-testid="stSidebar"] [data-testid="stPageLink-NavLink"]')) return;
  setTimeout(() => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click(), FOLLOWED);
}

// What Streamlit fetches in the middle of a photo's way to the server, it finds here already.
function fetchAhead(file) {
  const index = document.querySelector('script[type="module"][src*="static/js/"]');
  if (!file || !index) return;
  (window.requestIdleCallback ?? setTimeout)(() => {
    if (document.querySelector(`link[href$="${file}"]`)) return;
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: new URL(file, index.src).href }));
  });
}

function build(self) {
  self.dialogs = new MutationObserver(hush);
  self.states = new MutationObserver(() => {
    if (connected() === !self.lost) return;
    if (self.lost) regain(self);
    else lose(self);
  });
  self.touch = () => { self.touched = performance.now(); };
}

export default function (component) {
  const self = instance(component, build);
  self.lost ??= false;
  fetchAhead(self.data.sender);
  self.states.observe(app(), { attributeFilter: [STATE] }); // once, however often it is asked
  for (const hand of HANDS) window.addEventListener(hand, self.touch, { capture: true, passive: true });
  for (const near of NEAR) window.addEventListener(near, lead, { capture: true, passive: true });
  window.addEventListener("click", aside, { capture: true, passive: true });
  window.addEventListener("click", fold, { passive: true });
  return () => {
    for (const hand of HANDS) window.removeEventListener(hand, self.touch, { capture: true });
    for (const near of NEAR) window.removeEventListener(near, lead, { capture: true });
    window.removeEventListener("click", aside, { capture: true });
    window.removeEventListener("click", fold);
    self.states.disconnect();
    self.dialogs.disconnect();
    clearTimeout(self.telling);
    clearTimeout(self.asking);
  };
}
