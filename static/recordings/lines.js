// What can be done with a line: copy it as a quote or as a link, correct its words, and say whose it is.

import { fill, gettext } from "../language.js";
import { api } from "../site.js";
import { attempt, byId, tell } from "./attempt.js";

let listeners = null; // of the page's present text

// `assign` asks whose a line is; null for readers.
export function setUpLines(parts, assign) {
  listeners?.abort();
  listeners = new AbortController();
  new LineMenu(assign, listeners.signal);
  for (const part of parts.all) addMenus(part);
}

// A button for each line of a part.
export function addMenus(part) {
  for (const line of part.querySelectorAll(".line")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "line-more";
    button.textContent = "…";
    button.setAttribute("aria-haspopup", "true");
    button.setAttribute("aria-label", fill(gettext("More for %(time)s"), { time: clockOf(line) }));
    line.append(button);
  }
}

class LineMenu {
  constructor(assign, signal) {
    this.menu = byId("line-menu");
    this.line = null;
    const on = (target, name, act) => target?.addEventListener(name, act, { signal });
    on(byId("turns"), "click", (event) => {
      const button = event.target.closest(".line-more");
      if (button) this.open(button);
    });
    on(byId("copy-quote"), "click", () => this.choose((line) => copy(quoteOf(line), gettext("The quote is copied."))));
    on(byId("copy-place"), "click", () => this.choose((line) => copy(addressOf(line), gettext("The link is copied."))));
    on(byId("correct-line"), "click", () => this.choose((line) => edit(line)));
    on(byId("assign-line"), "click", () => this.choose((line) => assign(line)));
  }

  open(button) {
    this.line = button.closest(".line");
    const box = button.getBoundingClientRect();
    this.menu.showPopover();
    const { offsetWidth, offsetHeight } = this.menu;
    this.menu.style.left = `${Math.max(8, Math.min(box.right - offsetWidth, window.innerWidth - offsetWidth - 8))}px`;
    this.menu.style.top = `${box.bottom + offsetHeight > window.innerHeight ? box.top - offsetHeight : box.bottom}px`;
    this.menu.querySelector("button").focus();
  }

  choose(act) {
    this.menu.hidePopover(); // the focus goes back to the line's button
    act(this.line);
  }
}

async function copy(text, told) {
  try {
    await navigator.clipboard.writeText(text);
    tell(told);
  } catch {
    tell(gettext("The browser does not let this page copy."));
  }
}

function clockOf(line) {
  return line.querySelector(".time").lastChild.textContent.trim();
}

function saidIn(line) {
  return line.querySelector(".said").textContent;
}

function addressOf(line) {
  return `${location.origin}${location.pathname}#t=${Number(line.dataset.start)}`;
}

function quoteOf(line) {
  const speaker = line.closest(".turn").querySelector(".speaker").textContent;
  return `“${saidIn(line).trim()}” – ${speaker}, ${clockOf(line)}, ${byId("title").textContent}\n${addressOf(line)}`;
}

// In place: Enter saves, Escape leaves it as it was.
function edit(line) {
  const said = line.querySelector(".said");
  if (line.querySelector("form")) return;
  const before = saidIn(line);
  const form = document.createElement("form");
  form.className = "stack stack-small correction";
  const field = document.createElement("textarea");
  field.value = before;
  field.dir = "auto";
  field.rows = Math.max(2, Math.ceil(before.length / 60));
  field.setAttribute("aria-label", fill(gettext("What was said at %(time)s"), { time: clockOf(line) }));
  const error = document.createElement("p");
  error.className = "error small";
  error.setAttribute("role", "alert");
  error.hidden = true;
  const row = document.createElement("div");
  row.className = "row";
  row.append(button(gettext("Save"), "submit", "button-primary"), button(gettext("Cancel"), "button"));
  form.append(field, error, row);
  const close = (text) => {
    if (text !== undefined) said.textContent = text;
    form.remove();
    said.hidden = false;
    line.querySelector(".line-more").focus();
  };
  row.lastChild.addEventListener("click", () => close());
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && !event.shiftKey && event.target === field) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(error, async () => {
      const body = new URLSearchParams({ line: line.dataset.pk, before, text: field.value });
      const { text } = await api("POST", `${location.pathname}/correct`, body);
      close(text);
      byId("corrections-item").hidden = false;
      tell(gettext("Saved. “Corrections” in the menu has what it was."));
    });
  });
  said.hidden = true;
  said.after(form);
  field.focus();
}

function button(text, type, more = "") {
  const made = document.createElement("button");
  made.type = type;
  made.className = `button button-small ${more}`.trim();
  made.textContent = text;
  return made;
}
