// For who left a meeting: whether there is anything to come back to. Loaded then, as few people stay on the page.

import { gettext } from "../language.js";
import { follow } from "../live.js";
import { api } from "../site.js";
import { shown } from "./states.js";

let stop = () => {};

// Looks until they come in again; `path` is of the meeting in the API, `callPath` of the page whose changes are told.
export function watch(path, callPath, seconds) {
  stop();
  stop = follow(() => look(path), seconds, callPath);
}

async function look(path) {
  if (shown() !== "left") return true;
  const { is_active, num_clients } = await api("GET", path);
  let sentence = gettext("It goes on while somebody is in it.");
  if (!is_active) sentence = gettext("It is over.");
  else if (num_clients === 0) sentence = gettext("Nobody is in it any more. It ends by itself.");
  const told = document.getElementById("goes-on");
  if (told.textContent !== sentence) told.textContent = sentence;
  document.getElementById("rejoin").hidden = !is_active;
  document.getElementById("back").hidden = is_active;
  return !is_active;
}
