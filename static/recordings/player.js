// The audio and the text go together: what is heard is marked, and the time beside a line plays from there.

import { gettext } from "../language.js";
import { setUpControls } from "./controls.js";

const MOVES = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]);

let listeners = null; // of the page's present player; a new one replaces them

// `parts` has the lines. Gives the player; null where there is nothing to be heard.
export function setUpPlayer(parts) {
  listeners?.abort();
  const audio = document.getElementById("player");
  if (!audio || !parts) return null;
  listeners = new AbortController();
  setUpControls(audio, listeners.signal);
  const player = new Player(audio, parts, listeners.signal);
  player.start();
  return player;
}

class Player {
  constructor(audio, parts, signal) {
    this.audio = audio;
    this.parts = parts;
    this.signal = signal;
    this.current = null;
    this.isFollowing = true;
    this.followButton = document.getElementById("follow");
  }

  start() {
    const on = (target, name, act) => target.addEventListener(name, act, { signal: this.signal, passive: true });
    for (const name of ["timeupdate", "seeking", "play"]) on(this.audio, name, () => this.showCurrent());
    on(this.audio, "error", () => this.showError());
    if (this.audio.error) this.showError(); // it failed before this was listening
    for (const name of ["wheel", "touchmove"]) on(window, name, () => this.follow(false));
    on(window, "keydown", (event) => {
      const isScrolling = MOVES.has(event.key) && !event.target.closest?.("audio, input, textarea, select");
      if (isScrolling) this.follow(false);
    });
    on(this.followButton, "click", () => this.follow(true));
    on(document, "click", (event) => {
      const line = event.target.closest?.("button.time")?.closest(".line");
      if (line) this.playFrom(Number(line.dataset.start));
    });
  }

  playFrom(seconds) {
    this.seek(seconds);
    // A browser may refuse to begin by itself: then people press its own button.
    this.audio.play().catch(() => {});
  }

  seek(seconds) {
    this.audio.currentTime = seconds;
    this.follow(true);
  }

  follow(isFollowing) {
    const wasFollowing = this.isFollowing;
    this.isFollowing = isFollowing;
    this.followButton.hidden = isFollowing || !this.current;
    if (isFollowing && (!wasFollowing || !this.current)) this.scroll();
  }

  showCurrent() {
    const line = this.parts.lineAt(this.audio.currentTime);
    if (line === undefined || line === this.current) return; // one that is loading is shown when it has come
    this.current?.removeAttribute("aria-current");
    line?.setAttribute("aria-current", "true");
    this.current = line;
    this.followButton.hidden = this.isFollowing || !line;
    if (this.isFollowing) this.scroll();
  }

  // At once: a slow motion would go on against a reader who scrolls elsewhere meanwhile.
  scroll() {
    this.current?.scrollIntoView({ block: "nearest" });
  }

  showError() {
    const place = document.getElementById("player-error");
    place.textContent = gettext("The audio cannot be played just now. Please load the page again.");
    place.hidden = false;
  }
}
