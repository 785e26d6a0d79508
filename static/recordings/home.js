// Keeps rooms, meetings and recordings as they are now.

import { poll } from "../site.js";
import { freshPage, takeOver } from "./polling.js";

const SECONDS = 5;

poll(async () => {
  const page = await freshPage();
  for (const list of document.querySelectorAll("[data-fresh]")) {
    const fresh = page.getElementById(list.id);
    if (fresh) takeOver(list, fresh);
  }
}, SECONDS);
