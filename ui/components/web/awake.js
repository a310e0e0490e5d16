const STATE = "data-test-connection-state";
const HICCUP = 1500; // milliseconds that nobody need be told of
const OWN_WAY = 200; // after which Streamlit has asked for a run, where it does so by itself
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

function find(self) {
  self.lost = false;
  clearTimeout(self.telling);
  self.dialogs.disconnect();
  self.find(".lost").textContent = "";
  self.asking = setTimeout(() => { if (connected() && resting()) self.send("back", true); }, OWN_WAY);
}

function build(self) {
  self.dialogs = new MutationObserver(hush);
  self.states = new MutationObserver(() => {
    if (connected() === !self.lost) return;
    if (self.lost) find(self);
    else lose(self);
  });
}

export default function (component) {
  const self = instance(component, build);
  self.lost ??= false;
  self.states.observe(app(), { attributeFilter: [STATE] }); // once, however often it is asked
  return () => {
    self.states.disconnect();
    self.dialogs.disconnect();
    clearTimeout(self.telling);
    clearTimeout(self.asking);
  };
}
