// What was said comes in parts: those not there yet are links, and are loaded as the reader comes near.

import { gettext } from "../language.js";
import { ApiError } from "../site.js";

const NEAR = "1200px";

export class Parts {
  // `onLoad` is called with each part that has come.
  constructor(root, address, onLoad) {
    this.root = root;
    this.address = address;
    this.onLoad = onLoad;
    this.coming = new Map();
    this.watcher = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) if (entry.isIntersecting) this.load(entry.target).catch(passOver);
      },
      { rootMargin: `${NEAR} 0px` },
    );
    for (const link of root.querySelectorAll(".part-link")) {
      link.classList.add("is-awaited");
      this.watcher.observe(link);
    }
  }

  get all() {
    return [...this.root.children];
  }

  // The part with its lines, of one that may be a link as yet. One call at a time for each.
  load(part) {
    if (!part.matches(".part-link")) return Promise.resolve(part);
    if (!this.coming.has(part.id)) {
      this.coming.set(part.id, this.fetch(part).finally(() => this.coming.delete(part.id)));
    }
    return this.coming.get(part.id);
  }

  // One that is there, as it is now; a link stays one.
  async reload(part) {
    return part.matches(".part-link") ? part : this.fetch(part);
  }

  async fetch(old) {
    const response = await fetch(`${this.address}/parts/${old.id.replace("part-", "")}`).catch(() => null);
    if (!response?.ok) throw new ApiError(response?.status ?? 0, gettext("This part cannot be loaded just now."));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const part = document.adoptNode(page.querySelector(".part"));
    this.watcher.unobserve(old);
    old.replaceWith(part);
    this.onLoad(part);
    return part;
  }

  // The element of a line; null where there is no such line.
  async line(number) {
    const part = this.all.find((one) => number >= Number(one.dataset.first) && number <= Number(one.dataset.last));
    if (!part) return null;
    await this.load(part);
    return document.getElementById(`line-${number}`);
  }

  // The line that is heard then: of lines at once the one that began last. Undefined while its part is loading.
  lineAt(seconds) {
    const has = (element) => Number(element.dataset.start) <= seconds + 0.05;
    const part = this.all.findLast(has);
    if (!part) return null;
    if (part.matches(".part-link")) {
      this.load(part).catch(passOver);
      return undefined;
    }
    return [...part.querySelectorAll(".line")].findLast(has) ?? null;
  }
}

// The link is still there, and can be followed.
export function passOver(error) {
  if (!(error instanceof ApiError)) throw error;
}
