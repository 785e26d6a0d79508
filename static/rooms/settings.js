// A room's own page: copying, and keeping as it is now what changes by itself. All else works without script.

import { gettext } from "../language.js";
import { follow } from "../live.js";
import { keepFresh } from "../recordings/polling.js";
import "./zulip.js";

const SECONDS = 5;

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copy)));
}

async function copy(element) {
  const said = document.getElementById("copied");
  try {
    await navigator.clipboard.writeText(element.textContent);
    said.textContent = gettext("Copied.");
  } catch {
    // There is no clipboard without https, and a browser may deny it.
    getSelection().selectAllChildren(element);
    said.textContent = gettext("Selected: copy it from the keyboard.");
  }
}

follow(keepFresh, SECONDS);
