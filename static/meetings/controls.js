// The buttons beside the call: the room's address for everybody; ending and recording for those who manage the room.

import { gettext } from "../language.js";
import { api, ApiError } from "../site.js";
import { say } from "./states.js";

const RECORDING_TRIES = 5; // a call that has just begun is not seen by its provider at once

export function setUpControls(facts, on) {
  for (const button of document.querySelectorAll("dialog [data-close]")) {
    button.addEventListener("click", () => button.closest("dialog").close());
  }
  document.getElementById("copy-link").addEventListener("click", () => copyLink(facts.room));
  document.getElementById("start-recording")?.addEventListener("click", (event) => record(event.currentTarget, facts));
  const dialog = document.getElementById("end-dialog");
  if (!dialog) return;
  document.getElementById("end-meeting").addEventListener("click", () => {
    showError("");
    dialog.showModal();
  });
  document.getElementById("end-confirm").addEventListener("click", () => end(dialog, facts, on));
}

async function end(dialog, facts, on) {
  try {
    await api("PATCH", `/v1/meetings/${facts.meeting}/deactivate`);
    dialog.close();
    on.ended();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showError(error.detail);
  }
}

function showError(sentence) {
  const error = document.getElementById("end-error");
  error.textContent = sentence;
  error.hidden = !sentence;
}

async function copyLink(room) {
  const address = `${location.origin}/${encodeURIComponent(room)}`;
  try {
    await navigator.clipboard.writeText(address);
    say(gettext("The room's address is copied."));
  } catch {
    // There is no clipboard without https, and a browser may deny it.
    const text = document.getElementById("link-text");
    text.value = address;
    document.getElementById("link-dialog").showModal();
    text.select();
  }
}

async function record(button, facts) {
  button.disabled = true;
  await startRecording(facts.meeting, {}, say);
  button.disabled = false;
}

const RECORDING = {
  ok: gettext("The recording starts."),
  already_active: gettext("It is being recorded already."),
  awaiting_consent: gettext("The recording starts when somebody agrees to it."),
};

// `wish` goes to the API as it is; `tell` takes what to say to the person.
export async function startRecording(meeting, wish, tell) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await api("POST", `/v1/meetings/${meeting}/recordings/start`, wish);
      return tell(RECORDING[answer.status]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.retryAfter === null || attempt === RECORDING_TRIES) return tell(error.detail);
      tell(gettext("Waiting for the call to begin…"));
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    }
  }
}
