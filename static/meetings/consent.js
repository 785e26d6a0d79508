// Whether this person agrees to being recorded: asked before joining, put off with Esc, changed at any time.

import { fill, gettext } from "../language.js";
import { api, ApiError } from "../site.js";
import { keep, recall } from "./local_storage.js";
import { say } from "./states.js";

const dialog = document.getElementById("consent");
const facts = JSON.parse(document.getElementById("facts").textContent);
const KEPT = `reflector-rooms.consent.${facts.meeting}`;
const later = document.getElementById("consent-later");
const reopen = document.getElementById("reopen-consent");
const REMIND_AFTER = 120_000; // milliseconds
let name = ""; // of a guest, who was asked for it before
const SAID = {
  true: gettext("You agreed to being recorded."),
  false: gettext("You refused: audio and video will be deleted."),
};

export function consentBefore(guest) {
  name = guest;
  return dialog && !answered() && !dialog.open ? ask() : Promise.resolve();
}

function ask() {
  const before = answered();
  const note = document.getElementById("consent-answer");
  note.hidden = !before;
  note.textContent = before ? `${SAID[before.given]} ${gettext("You may change your answer.")}` : "";
  later.textContent = before ? gettext("Close") : gettext("Decide later");
  showError("");
  dialog.showModal();
  dialog.querySelector("h2").focus();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

async function answer(given) {
  showError("");
  const body = { consent_given: given, consent_id: answered()?.id, ...(name && { name }) };
  try {
    const kept = await api("POST", `/v1/meetings/${facts.meeting}/consent`, body);
    keep(KEPT, JSON.stringify({ id: kept.consent_id, given }), "sessionStorage");
    dialog.close();
    say(SAID[given]);
    dialog.dispatchEvent(new Event("answered"));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showError(fill(gettext("Your answer was not kept. %(reason)s"), { reason: error.detail }));
  }
}

export function onAnswer(listener) {
  dialog?.addEventListener("answered", listener);
}

// What this person said last, as {id, given}; null before that.
export function answered() {
  return JSON.parse(recall(KEPT, "sessionStorage"));
}

// Who put it off is reminded, for as long as `isIn` says that they are in the meeting.
export function remind(isIn) {
  if (!dialog) return;
  setInterval(() => {
    const waits = isIn() && !answered() && !dialog.open;
    reopen.classList.toggle("is-wanted", waits);
    if (waits) say(gettext("You have not said yet whether you may be recorded: choose “Recording and consent”."));
  }, REMIND_AFTER);
  onAnswer(() => reopen.classList.remove("is-wanted"));
}

function showError(sentence) {
  const error = document.getElementById("consent-error");
  error.textContent = sentence;
  error.hidden = !sentence;
}

// Embedded meetings take the focus when they are ready; the question keeps it.
function keepFocus() {
  if (dialog.open && document.activeElement instanceof HTMLElement && !dialog.contains(document.activeElement)) {
    dialog.querySelector("h2").focus();
  }
}

if (dialog) {
  for (const button of dialog.querySelectorAll("[data-given]")) {
    button.addEventListener("click", () => answer(button.dataset.given === "true"));
  }
  later.addEventListener("click", () => dialog.close());
  reopen.addEventListener("click", ask);
  window.addEventListener("blur", () => setTimeout(keepFocus));
}
