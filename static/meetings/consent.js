// Whether this person agrees to being recorded: asked before joining, put off with Esc, changed at any time.

import { api, ApiError } from "../site.js";
import { keep, recall } from "./memory.js";
import { say } from "./states.js";

const dialog = document.getElementById("consent");
const facts = JSON.parse(document.getElementById("facts").textContent);
const KEPT = `reflector-rooms.consent.${facts.meeting}`;
const SAID = { true: "You agreed to being recorded.", false: "You refused: audio and video will be deleted." };

export function consentBefore() {
  return dialog && !answered() && !dialog.open ? ask() : Promise.resolve();
}

function ask() {
  const before = answered();
  const note = document.getElementById("consent-answer");
  note.hidden = !before;
  note.textContent = before ? `${SAID[before.given]} You may change your answer.` : "";
  showError("");
  dialog.showModal();
  dialog.querySelector("h2").focus();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

async function answer(given) {
  showError("");
  const body = { consent_given: given, consent_id: answered()?.id };
  try {
    const kept = await api("POST", `/v1/meetings/${facts.meeting}/consent`, body);
    keep(KEPT, JSON.stringify({ id: kept.consent_id, given }), "sessionStorage");
    dialog.close();
    say(SAID[given]);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showError(`Your answer was not kept. ${error.detail}`);
  }
}

function answered() {
  return JSON.parse(recall(KEPT, "sessionStorage"));
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
  document.getElementById("consent-later").addEventListener("click", () => dialog.close());
  document.getElementById("reopen-consent").addEventListener("click", ask);
  window.addEventListener("blur", () => setTimeout(keepFocus));
}
