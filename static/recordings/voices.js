// Who spoke: a name for a voice, two voices that are one person's, and lines that are another's.

import { gettext } from "../language.js";
import { api } from "../site.js";
import { addressOf, attempt, byId, tell } from "./attempt.js";
import { asClock, secondsOf } from "./clock.js";

// Each voice is a button; who it is, is a participant of the transcript. `refresh` shows what has become of it.
export function setUpNaming(refresh) {
  const [dialog, form, field, sample, same] = ["dialog", "form", "name", "sample", "same"].map((id) => byId(`voice-${id}`));
  let voice = null;
  byId("transcript").addEventListener("click", (event) => {
    const button = event.target.closest?.("button.voice");
    if (!button) return;
    voice = button.dataset;
    field.value = voice.name;
    byId("voice-error").hidden = true;
    same.replaceChildren(new Option(gettext("Nobody else here"), ""), ...others(voice.speaker));
    byId("same-field").hidden = same.options.length < 2;
    dialog.showModal();
    field.select();
  });
  for (const person of dialog.querySelectorAll("button.person")) {
    person.addEventListener("click", () => {
      field.value = person.textContent;
      field.focus();
    });
  }
  sample?.addEventListener("click", () => {
    const audio = byId("player");
    audio.currentTime = Number(voice.sample);
    audio.play().catch(() => {});
  });
  dialog.addEventListener("close", () => byId("player")?.pause());
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "cancel") return;
    event.preventDefault();
    attempt(byId("voice-error"), async () => {
      if (same.value) await mergeVoice(Number(voice.speaker), Number(same.value));
      else await nameVoice(Number(voice.speaker), field.value.trim());
      await refresh();
      dialog.close();
    });
  });
}

function others(speaker) {
  const voices = [...document.querySelectorAll("button.voice")].filter((one) => one.dataset.speaker !== speaker);
  return voices.map((one) => new Option(one.querySelector("bdi").textContent, one.dataset.speaker));
}

async function participantOf(speaker) {
  return (await api("GET", addressOf(byId("transcript"), "/participants"))).find((one) => one.speaker === speaker);
}

// Without a name it is a number again.
async function nameVoice(speaker, name) {
  const participants = addressOf(byId("transcript"), "/participants");
  const known = await participantOf(speaker);
  if (!name) return known && api("DELETE", `${participants}/${known.id}`);
  return known ? api("PATCH", `${participants}/${known.id}`, { name }) : api("POST", participants, { speaker, name });
}

// Whoever it is said to be keeps the name.
async function mergeVoice(from, to) {
  const [old, other] = [await participantOf(from), await participantOf(to)];
  if (old && other) await api("DELETE", addressOf(byId("transcript"), `/participants/${old.id}`));
  await api("PATCH", addressOf(byId("transcript"), "/speaker/merge"), { speaker_from: from, speaker_to: to });
}

// Gives a function that asks whose a line is, and those that follow it for a while.
export function setUpAssigning(refresh) {
  const [dialog, form, until, who, name] = ["dialog", "form", "until", "who", "name"].map((id) => byId(`assign-${id}`));
  let line = null;
  const showName = () => {
    byId("assign-name-field").hidden = who.value !== "";
  };
  who.addEventListener("change", showName);
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "cancel") return;
    event.preventDefault();
    attempt(byId("assign-error"), async () => {
      const seconds = secondsOf(until.value);
      if (Number.isNaN(seconds)) {
        byId("assign-error").textContent = gettext("Please give the time as the lines do, such as 1:02.");
        byId("assign-error").hidden = false;
        until.focus();
        return;
      }
      // What the page calls 1:02 lasts to the end of that second.
      const last = String(seconds + 0.999);
      const body = { line: line.dataset.pk, until: last, speaker: who.value, name: who.value ? "" : name.value };
      await api("POST", `${location.pathname}/speaker`, new URLSearchParams(body));
      await refresh();
      dialog.close();
      tell(gettext("Changed."));
    });
  });
  return (wanted) => {
    line = wanted;
    until.value = asClock(Number(line.dataset.start));
    name.value = "";
    who.replaceChildren(...others(""), new Option(gettext("Somebody else"), ""));
    byId("assign-error").hidden = true;
    showName();
    dialog.showModal();
  };
}
