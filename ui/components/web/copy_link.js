// On the hosted page the app runs in a frame whose own address has this part in it.
const address = () => window.location.href.replace("/~/+/", "/");

async function copy(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.hidden = false; // an address without TLS, or no permission: the old way
    field.value = text;
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}

function paint(self) {
  self.find(".words").textContent = self.copied ? self.data.copied : self.data.label;
  self.find(".chain").toggleAttribute("hidden", Boolean(self.copied));
  self.find(".tick").toggleAttribute("hidden", !self.copied);
}

function build(self) {
  const button = self.find("button");
  const field = self.find("input");
  button.addEventListener("click", async () => {
    if (!(await copy(address(), field))) return; // it stands there, selected
    if (!field.hidden) button.focus();
    button.style.minWidth = `${button.offsetWidth}px`; // what stands beside it does not move
    field.hidden = true;
    self.copied = true;
    self.find(".unseen").textContent = self.data.copied;
    paint(self);
    clearTimeout(self.timer);
    self.timer = setTimeout(() => {
      self.copied = false;
      self.find(".unseen").textContent = "";
      paint(self);
    }, 2000);
  });
}

export default function (component) {
  const self = instance(component, build);
  self.find("input").setAttribute("aria-label", self.data.label);
  paint(self);
}
