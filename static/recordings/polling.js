// Looks again at a page of the server, which alone decides how things are worded, and takes over what has changed.

import { gettext } from "../language.js";
import { ApiError, showLocalTimes } from "../site.js";

export async function freshPage() {
  let response;
  try {
    response = await fetch(location.pathname + location.search, { headers: { Accept: "text/html", "X-Quiet": "1" } });
  } catch {
    throw new ApiError(0, gettext("The server cannot be reached."));
  }
  if (!response.ok) throw new ApiError(response.status, gettext("The page cannot be loaded."));
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  showLocalTimes(page);
  return page;
}

// Makes all lists of the page that change by themselves as they are now.
export async function keepFresh() {
  const page = await freshPage();
  for (const list of document.querySelectorAll("[data-fresh]")) {
    const fresh = page.getElementById(list.id);
    if (fresh) takeOver(list, fresh);
  }
}

// Makes the items of a list those of the other, by their ids; what has not changed is left as it is.
function takeOver(list, fresh) {
  for (const details of list.querySelectorAll("details[open][id]")) {
    [...fresh.querySelectorAll("details")].find((other) => other.id === details.id)?.setAttribute("open", "");
  }
  const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
  const known = new Map([...list.children].map((item) => [item.id, item]));
  const items = [...fresh.children].map((item) => {
    const old = known.get(item.id);
    return old?.isEqualNode(item) ? old : document.adoptNode(item);
  });
  const same = items.length === list.children.length && items.every((item, place) => item === list.children[place]);
  if (same) return;
  list.replaceChildren(...items);
  if (focused) document.getElementById(focused)?.focus();
}
