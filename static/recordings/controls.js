// The player's own buttons, its waveform in the speakers' colours, and keys for it.

import { gettext } from "../language.js";
import { api } from "../site.js";
import { passOver } from "./parts.js";
import { asClock } from "./clock.js";

const STEP_SECONDS = 15;
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 32; // of the picture
const KEPT = "transcript-keys"; // "off" for whoever does not want them

const byId = (id) => document.getElementById(id);

export function setUpControls(audio, signal) {
  new Controls(audio, signal).start();
}

class Controls {
  constructor(audio, signal) {
    this.audio = audio;
    this.section = byId("recording");
    this.on = (target, name, act) => target.addEventListener(name, act, { signal });
  }

  get duration() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : Number(this.section.dataset.duration);
  }

  start() {
    const { audio, on } = this;
    audio.controls = false;
    byId("controls").hidden = false;
    on(byId("play"), "click", () => this.toggle());
    on(byId("back"), "click", () => this.skip(-STEP_SECONDS));
    on(byId("on"), "click", () => this.skip(STEP_SECONDS));
    on(byId("position"), "input", (event) => {
      audio.currentTime = Number(event.target.value);
    });
    on(byId("speed"), "change", (event) => {
      audio.playbackRate = Number(event.target.value);
    });
    on(audio, "ratechange", () => {
      byId("speed").value = String(audio.playbackRate);
    });
    for (const name of ["play", "pause", "timeupdate", "seeking", "durationchange"]) on(audio, name, () => this.show());
    this.show();
    this.setUpKeys();
    this.draw().catch(passOver); // without a picture the rest still works
  }

  toggle() {
    if (this.audio.paused) this.audio.play().catch(() => {}); // the player says what is wrong
    else this.audio.pause();
  }

  skip(seconds) {
    this.audio.currentTime = Math.min(this.duration, Math.max(0, this.audio.currentTime + seconds));
  }

  changeSpeed(by) {
    const select = byId("speed");
    const place = Math.min(select.options.length - 1, Math.max(0, select.selectedIndex + by));
    this.audio.playbackRate = Number(select.options[place].value);
  }

  show() {
    const { currentTime, paused } = this.audio;
    byId("play").textContent = paused ? "▶" : "❚❚";
    byId("play").setAttribute("aria-label", paused ? gettext("Play") : gettext("Pause"));
    const position = byId("position");
    position.max = String(Math.ceil(this.duration));
    position.value = String(currentTime);
    const words = `${asClock(currentTime)} / ${asClock(this.duration)}`;
    position.setAttribute("aria-valuetext", words);
    byId("clock").textContent = words;
    const heard = (currentTime / this.duration) * byId("waveform").children.length;
    [...byId("waveform").children].forEach((bar, place) => bar.classList.toggle("is-heard", place < heard));
  }

  async draw() {
    const { data } = await api("GET", this.audio.getAttribute("src").replace(/mp3$/, "waveform"));
    const colours = this.section.dataset.colours;
    const bars = data.map((loudness, place) => {
      const bar = document.createElementNS(SVG, "rect");
      const height = Math.max(1, loudness * HEIGHT);
      const values = { x: place, y: (HEIGHT - height) / 2, width: 0.7, height };
      for (const [name, value] of Object.entries(values)) bar.setAttribute(name, value);
      if (colours[place] !== "-") bar.setAttribute("class", `voice-${colours[place]}`);
      return bar;
    });
    byId("waveform").replaceChildren(...bars);
    this.show();
  }

  // Single letters get in the way of those who speak to their computer, so they can be switched off.
  setUpKeys() {
    const box = byId("use-keys");
    box.checked = localStorage.getItem(KEPT) !== "off";
    this.on(box, "change", () => localStorage.setItem(KEPT, box.checked ? "on" : "off"));
    this.on(byId("show-keys"), "click", () => {
      byId("more").open = false;
      byId("keys-dialog").showModal();
    });
    const keys = {
      k: () => this.toggle(),
      j: () => this.skip(-STEP_SECONDS),
      l: () => this.skip(STEP_SECONDS),
      ",": () => this.changeSpeed(-1),
      ".": () => this.changeSpeed(1),
      "/": () => byId("find-words")?.focus(),
    };
    this.on(document, "keydown", (event) => {
      const isTyping = event.target.closest?.("input:not([type=range]), textarea, select, dialog, [contenteditable]");
      const act = keys[event.key.toLowerCase()];
      if (!act || !box.checked || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
  }
}
