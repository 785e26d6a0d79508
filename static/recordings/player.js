// The audio and the text go together: what is heard is marked, and the time beside a line plays from there.

const MOVES = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]);

let listeners = null; // of the page's present player; a new one replaces them

export function setUpPlayer() {
  listeners?.abort();
  const audio = document.getElementById("player");
  if (!audio) return;
  listeners = new AbortController();
  new Player(audio, [...document.querySelectorAll(".line")], listeners.signal).start();
}

class Player {
  constructor(audio, lines, signal) {
    this.audio = audio;
    this.lines = lines;
    this.starts = lines.map((line) => Number(line.dataset.start));
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
    on(window, "hashchange", () => this.goToHash());
    this.goToHash();
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

  // #t=12.3 is a time, #line-7 a line.
  goToHash() {
    const time = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
    const line = /^#line-\d+$/.test(location.hash) ? document.getElementById(location.hash.slice(1)) : null;
    if (time) this.seek(Number(time[1]));
    else if (line) this.seek(Number(line.dataset.start));
  }

  follow(isFollowing) {
    const wasFollowing = this.isFollowing;
    this.isFollowing = isFollowing;
    this.followButton.hidden = isFollowing || !this.current;
    if (isFollowing && (!wasFollowing || !this.current)) this.scroll();
  }

  // Of lines at once the one that began last counts.
  lineAt(seconds) {
    const after = this.starts.findIndex((start) => start > seconds + 0.05);
    return this.lines[(after < 0 ? this.lines.length : after) - 1] ?? null;
  }

  showCurrent() {
    const line = this.lineAt(this.audio.currentTime);
    if (line === this.current) return;
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
    place.textContent = "The audio cannot be played just now. Please load the page again.";
    place.hidden = false;
  }
}
