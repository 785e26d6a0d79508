// Finding words in a transcript: the server tells where they stand, also in parts that are not loaded.

import { fill, gettext } from "../language.js";
import { passOver } from "./parts.js";

const PAUSE_MILLISECONDS = 250; // after a key

export class Finder {
  constructor(form, parts, address) {
    this.parts = parts;
    this.address = address;
    this.field = form.querySelector("input");
    this.count = document.getElementById("find-count");
    this.previous = document.getElementById("find-previous");
    this.sought = ""; // to which the places belong
    this.spans = new Map(); // the number of a line -> its spans
    this.places = []; // [line, which of its spans]
    this.at = -1;
    this.previous.hidden = false;
    this.previous.addEventListener("click", () => this.step(-1));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.step(1);
    });
    this.field.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look(), PAUSE_MILLISECONDS);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.shiftKey) {
        event.preventDefault();
        this.step(-1);
      }
    });
    if (this.field.value.trim()) this.look();
  }

  focus() {
    this.field.focus();
    this.field.select();
  }

  // Who steps on while the server still looks waits for the same answer.
  look() {
    clearTimeout(this.timer);
    const words = this.field.value.trim();
    if (words !== this.sought) {
      this.sought = words;
      this.looking = this.find(words);
    }
    return this.looking;
  }

  async find(words) {
    const lines = words ? await this.ask(words) : [];
    if (words !== this.sought) return; // others were typed meanwhile
    this.spans = new Map(lines);
    this.places = lines.flatMap(([line, spans]) => spans.map((_, place) => [line, place]));
    this.at = -1;
    for (const part of this.parts.all) this.mark(part);
    this.tell();
  }

  async ask(words) {
    const response = await fetch(`${this.address}/find?${new URLSearchParams({ q: words })}`).catch(() => null);
    if (!response?.ok) {
      this.sought = null;
      this.count.textContent = gettext("Cannot look just now");
      return [];
    }
    return (await response.json()).lines;
  }

  // In a part that has come, or anew.
  mark(part) {
    if (this.sought === null) return;
    for (const line of part.querySelectorAll(".line")) {
      const spans = this.spans.get(numberOf(line)) ?? [];
      const said = line.querySelector(".said");
      if (spans.length || said.querySelector("mark")) said.replaceChildren(...pieces(said.textContent, spans));
    }
  }

  async step(by) {
    await this.look();
    if (!this.places.length) return;
    const next = this.at < 0 ? this.nearest(by) : this.at + by;
    this.at = (next + this.places.length) % this.places.length;
    this.tell();
    const [number, place] = this.places[this.at];
    const line = await this.parts.line(number).catch(passOver);
    for (const old of document.querySelectorAll("mark.is-current")) old.classList.remove("is-current");
    const mark = line?.querySelectorAll("mark")[place];
    mark?.classList.add("is-current");
    (mark ?? line)?.scrollIntoView({ block: "center" });
  }

  // The first place in or below what is in view; of going back the last one above it.
  nearest(by) {
    const middle = window.innerHeight / 3;
    const parts = this.parts.all.filter((part) => part.getBoundingClientRect().bottom > middle);
    const lines = [...(parts[0]?.querySelectorAll(".line") ?? [])];
    const line = lines.find((one) => one.getBoundingClientRect().bottom > middle);
    const from = line ? numberOf(line) : Number(parts[0]?.dataset.first ?? 0);
    const found = this.places.findIndex(([number]) => number >= from);
    if (by > 0) return found < 0 ? 0 : found;
    return (found < 0 ? this.places.length : found) - 1;
  }

  tell() {
    const count = this.places.length;
    if (!this.sought) this.count.textContent = "";
    else if (!count) this.count.textContent = gettext("Not found");
    else if (this.at < 0) this.count.textContent = `${count}`;
    else this.count.textContent = fill(gettext("%(number)s of %(count)s"), { number: this.at + 1, count });
  }
}

function numberOf(line) {
  return Number(line.id.replace("line-", ""));
}

// Spans count characters, of which JavaScript's strings take some for two.
function pieces(text, spans) {
  const characters = [...text];
  const between = (start, end) => document.createTextNode(characters.slice(start, end).join(""));
  const found = [];
  let before = 0;
  for (const [start, end] of spans) {
    const mark = document.createElement("mark");
    mark.append(between(start, end));
    found.push(between(before, start), mark);
    before = end;
  }
  return [...found, between(before)];
}
