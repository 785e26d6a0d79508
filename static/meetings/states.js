// The states of the page, one at a time, and what it says beside them.

import { fill, gettext, ngettext } from "../language.js";

const room = document.getElementById("room");
const status = document.getElementById("status");
const badge = document.getElementById("recording");
const plan = document.getElementById("recording-plan");
const SPOKEN_FOR = 10_000; // milliseconds that a remark stays

let fading;

export function show(state) {
  room.dataset.state = state;
  for (const section of room.querySelectorAll("section[data-state]")) section.hidden = section.dataset.state !== state;
  room.querySelector(`section[data-state="${state}"] h2`).focus();
}

export function shown() {
  return room.dataset.state;
}

export function say(sentence) {
  clearTimeout(fading);
  status.textContent = sentence;
  fading = setTimeout(() => (status.textContent = ""), SPOKEN_FOR);
}

export function showRecording(isOn) {
  if (badge.classList.contains("is-on") === isOn) return;
  badge.classList.toggle("is-on", isOn);
  badge.textContent = isOn ? gettext("Recording") : "";
  for (const element of document.querySelectorAll("#recording-plan, #start-recording")) element.hidden = isOn;
  const now = document.getElementById("consent-now");
  if (now) now.textContent = isOn ? gettext("It is being recorded now.") : (plan?.textContent ?? "");
  if (!isOn) say(gettext("The recording has stopped."));
}

// Shows what went wrong, and does `again` on demand, or by itself when that is worth a try.
const troubles = { attempts: 0, timer: null };

export function trouble(title, error, again) {
  const wait = document.getElementById("trouble-wait");
  const button = document.getElementById("try-again");
  document.getElementById("trouble-title").textContent = title;
  document.getElementById("trouble-text").textContent = error.detail ?? error.message;
  troubles.attempts += 1;
  clearInterval(troubles.timer);
  const retry = () => {
    clearInterval(troubles.timer);
    again();
  };
  button.onclick = retry;
  let seconds = secondsUntilRetry(error);
  wait.hidden = seconds === null;
  if (seconds !== null) {
    const tell = () => {
      const text = ngettext("Trying again in %(count)s second.", "Trying again in %(count)s seconds.", seconds);
      wait.textContent = fill(text, { count: seconds });
    };
    tell();
    troubles.timer = setInterval(() => {
      seconds -= 1;
      if (seconds <= 0) retry();
      else tell();
    }, 1000);
  }
  show("trouble");
}

// Whoever chooses another platform is not interrupted by the next try on this one.
document.getElementById("instead")?.addEventListener("focusin", () => {
  clearInterval(troubles.timer);
  document.getElementById("trouble-wait").hidden = true;
});

export function noTrouble() {
  troubles.attempts = 0;
  clearInterval(troubles.timer);
}

// Without an answer, and when the server says so; ever less often. Null where only a person can decide.
function secondsUntilRetry(error) {
  const asked = error.status === 0 ? 3 : error.retryAfter;
  if (asked === null || asked === undefined) return null;
  return Math.max(asked, Math.min(30, 2 ** (troubles.attempts - 1)));
}
