// Who waits to be let in, as hosts see it.

import { element, part } from "./dom.js";

// `decide(number, admit)` is called for somebody. Whoever is listed already stays in place, and so does the focus.
export function showKnocks(waiting, decide) {
  const list = part("knocks");
  const hadFocus = list.contains(document.activeElement);
  const listed = new Map([...list.children].map((item) => [Number(item.dataset.number), item]));
  for (const one of waiting) if (!listed.delete(one.number)) list.append(knock(one, decide));
  for (const item of listed.values()) item.remove();
  part("knocking-title").hidden = !waiting.length;
  if (hadFocus && !list.contains(document.activeElement)) part("room").focus();
}

function knock({ number, name }, decide) {
  const item = element("li", "");
  item.append(element("bdi", name));
  item.dataset.number = number;
  for (const [label, admit] of [["Let in", true], ["Refuse", false]]) {
    const button = element("button", label, { type: "button", ariaLabel: `${label}: ${name}` });
    button.addEventListener("click", () => decide(number, admit));
    item.append(button);
  }
  return item;
}
