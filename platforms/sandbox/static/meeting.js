// The meeting page: one step after another, and what is shown of it.

import { Captures } from "./capture.js";
import { element, part } from "./dom.js";
import { frameFor } from "./frame.js";
import { showKnocks } from "./lobby.js";
import { Microphone } from "./microphone.js";
import { Refused, Wire, wait } from "./wire.js";

const RETRY = 1000; // milliseconds

const facts = JSON.parse(part("facts").textContent);
const query = Object.fromEntries(new URLSearchParams(location.search));

const frame = frameFor(facts);
const wire = new Wire();
const microphone = new Microphone();
const captures = new Captures(wire, microphone, tellSource);
let people = new Map(); // by session
let recordings = new Map(); // by id
let isIn = false;

function show(step, heading) {
  for (const id of ["join", "waiting", "in", "over"]) part(id).hidden = id !== step;
  if (heading) part(heading).focus();
}

function problem(text) {
  part("problem").textContent = text;
  part("problem").hidden = !text;
}

// Joining and leaving

async function join(name) {
  problem("");
  let state;
  try {
    state = await wire.join(name, query);
  } catch (error) {
    if (error instanceof Refused) frame.refused({ reason: error.reason, message: error.message });
    problem(error instanceof Refused ? error.message : "The sandbox cannot be reached.");
    return;
  }
  if (state.state === "waiting") {
    show("waiting", "waiting-title");
    frame.waiting();
  }
  apply(state);
  follow();
}

async function follow() {
  const connection = wire.connection;
  while (connection && wire.connection === connection) {
    try {
      const state = await wire.news();
      if (wire.connection === connection) apply(state);
    } catch (error) {
      if (wire.connection !== connection) return;
      if (error instanceof Refused && error.reason === "no-connection") over("The connection was lost.", true);
      else await wait(RETRY);
    }
  }
}

// Whether there was anything to leave.
async function leave() {
  if (!wire.connection) return false;
  const connection = wire.connection;
  await captures.follow([]);
  if (wire.connection !== connection) return true;
  await wire.leave();
  reset();
  show("over", "over-title");
  part("over-title").textContent = "You have left the meeting.";
  frame.left();
  part("over-title").focus();
  return true;
}

function over(text, again) {
  captures.follow([]);
  wire.forget();
  reset();
  part("over-title").textContent = text;
  part("again").hidden = !again;
  show("over", "over-title");
}

function reset() {
  isIn = false;
  people = new Map();
  recordings = new Map();
  part("again").hidden = false;
}

// What holds now

function apply(state) {
  if (state.state === "refused") return over("The host did not let you in.", true);
  if (state.state === "out") return sentOut(state);
  if (state.state === "in") present(state);
  return undefined;
}

function sentOut(state) {
  over("The meeting has ended.", !state.closed);
  frame.ended(state.closed);
}

function present(state) {
  const before = people;
  const now = new Map(state.people.map((person) => [person.session, person]));
  if (!isIn) {
    isIn = true;
    show("in", "room");
    frame.joined(state);
  }
  showPeople(state);
  const isChanged = [...before.keys()].join() !== [...now.keys()].join();
  people = now;
  if (isChanged) frame.people(before.size ? before : now, state.people);
  showRecording(state);
  showKnocks(state.waiting, (number, admit) => attempt(() => wire.decide(number, admit)));
}

function showPeople(state) {
  const items = state.people.map((person) => {
    const marks = [person.you && "(you)", person.host && "host"].filter(Boolean);
    const item = element("li", "");
    item.append(element("bdi", person.name));
    if (marks.length) item.append(" ", element("span", marks.join(", "), { className: "hint" }));
    return item;
  });
  part("people").replaceChildren(...items);
}

function showRecording(state) {
  const now = new Map(state.recordings.map((one) => [one.id, one]));
  for (const [id, one] of now) if (!recordings.has(id)) frame.recording(true, one);
  for (const [id, one] of recordings) if (!now.has(id)) frame.recording(false, one);
  recordings = now;
  const isOn = now.size > 0;
  const text = isOn ? WORDS.on : state.isPrompted ? WORDS.prompted : WORDS.off;
  if (part("recording").textContent !== text) part("recording").textContent = text;
  part("recording").classList.toggle("on", isOn);
  if (!isOn) part("sound").textContent = "";
  part("record").hidden = !state.mayRecord;
  part("record").textContent = isOn ? "Stop recording" : "Start recording";
  if (isOn) microphone.take(state.people.findIndex((person) => person.you), state.recordings[0].since);
  captures.follow([...now.keys()]);
}

const WORDS = {
  on: "This meeting is being recorded.",
  off: "Nothing is being recorded.",
  prompted: "Please start the recording: it does not begin by itself.",
};
const SOURCES = {
  microphone: "Your microphone is recorded.",
  canned: "No microphone can be used: a conversation is played in its place.",
  nothing: "This browser cannot record: nothing of you is in the recording.",
};

function tellSource(source) {
  part("sound").textContent = SOURCES[source];
}

// Buttons, and commands of the page around

async function attempt(action) {
  problem("");
  try {
    await action();
  } catch (error) {
    problem(error.message);
  }
}

function mute(muted) {
  microphone.mute(muted);
  part("mute").setAttribute("aria-pressed", String(muted));
  frame.muted(muted);
}

function toggleRecording(on) {
  if (on !== recordings.size > 0) attempt(() => wire.record(on));
}

// What the page around says of whoever joins, where the address of this frame does not.
function prepare(more, name) {
  for (const [key, value] of Object.entries(more)) if (value) query[key] = value;
  if (name && !part("name").value) know(name);
}

// The page around has asked for it, or knows whose account it is: nobody is asked twice.
function know(name) {
  part("name").value = name;
  const isKnown = window.parent !== window && name !== "";
  part("known").querySelector("bdi").textContent = name;
  part("known").hidden = !isKnown;
  part("asked").hidden = isKnown;
}

Object.assign(frame.commands, {
  leave,
  prepare,
  record: toggleRecording,
  mute: (muted) => mute(muted ?? !microphone.muted),
});

part("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const button = part("join").querySelector("button");
  button.disabled = true;
  join(part("name").value.trim()).finally(() => {
    button.disabled = false;
  });
});
part("mute").addEventListener("click", () => mute(!microphone.muted));
part("record").addEventListener("click", () => toggleRecording(!recordings.size));
part("again").addEventListener("click", () => show("join", part("asked").hidden ? "join-now" : "name"));
document.querySelectorAll("[data-leave]").forEach((button) => button.addEventListener("click", () => leave()));

window.addEventListener("pagehide", () => {
  captures.follow([]);
  wire.vanish();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

if (facts.refusal) {
  part("over-title").textContent = facts.refusal.message;
  part("again").hidden = true;
  show("over");
} else {
  know(facts.name);
  show("join");
}
frame.ready();
