// The room's page: opens a meeting or joins one, and follows it until this person leaves or it ends.

import { fill, gettext, ngettext } from "../language.js";
import { api, ApiError } from "../site.js";
import { answered, consentBefore, onAnswer, remind } from "./consent.js";
import { setUpControls, startRecording } from "./controls.js";
import { keep, recall } from "./local_storage.js";
import { noTrouble, say, show, showRecording, shown, trouble } from "./states.js";

const facts = JSON.parse(document.getElementById("facts").textContent);
const roomPath = `/v1/rooms/${encodeURIComponent(facts.room)}`;
const meetingPath = `${roomPath}/meetings/${facts.meeting}`;
const callPath = `/${encodeURIComponent(facts.room)}/${facts.meeting}`;
const LOOK_AGAIN = 15; // seconds between two looks whether the meeting goes on, where that is not told
const LAST_WORDS = 1500; // milliseconds that a meeting has to say goodbye
const NAME = "reflector-rooms.name";

let name = facts.name;
let session = null; // of this person in the call, from joining to leaving

async function open() {
  show("opening");
  try {
    const meeting = await api("POST", `${roomPath}/meeting`, {});
    location.replace(`/${encodeURIComponent(facts.room)}/${meeting.id}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    trouble(gettext("The meeting cannot be opened"), error, open);
  }
}

async function join() {
  await consentBefore(facts.name ? "" : name);
  show("joining");
  try {
    const query = new URLSearchParams();
    if (!facts.name && name) query.set("display_name", name);
    if (answered()) query.set("consent_id", answered().id);
    const answer = await api("POST", `${meetingPath}/join?${query}`);
    noTrouble();
    await enter(answer.room_url, answer.join_parameters);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 400 || error.status === 404) return show("ended");
    trouble(gettext("You cannot join just now"), error, join);
  }
}

async function enter(url, parameters) {
  if (!facts.isFramed) {
    document.getElementById("link-out").href = url;
    return show("link");
  }
  const current = { over: false, call: null, stopLooking: null };
  session = current;
  show("call");
  showRecording(facts.isRecording);
  try {
    const [{ embed }, { follow }] = await Promise.all([import(facts.module), import("../live.js")]);
    const container = document.getElementById("stage");
    const call = await embed({ container, url, parameters, name, on: handlers(current) });
    if (current.over) return call.destroy();
    current.call = call;
    current.stopLooking = follow(() => lookAfter(current), LOOK_AGAIN, callPath);
  } catch (error) {
    console.error(error); // a platform's own code may throw anything
    finish(current, "");
    const detail = gettext("A part of this page did not load.");
    trouble(gettext("The meeting cannot be shown"), { detail }, () => location.reload());
  }
}

function handlers(current) {
  return {
    joined: () => startByItself(current),
    left: () => finish(current, "left"),
    ended: () => finish(current, "ended"),
    recording: (isOn) => !current.over && rememberRecording(isOn),
    error: (sentence) => !current.over && stumble(current, sentence),
  };
}

// For those who agreed, also when they do so later; the server sees to it that it starts once.
function startByItself(current) {
  const may = !facts.asksConsent || answered()?.given || (facts.isHost && !answered());
  if (!facts.startsRecording || !may || !current || current.over) return;
  startRecording(facts.meeting, { automatic: true, consent_id: answered()?.id }, () => {});
}

function rememberRecording(isOn) {
  facts.isRecording = isOn;
  showRecording(isOn);
}

// The end of a meeting is told in several ways, of which a person's leaving may come first.
function finish(current, state) {
  if (current !== session) return;
  if (current.over) {
    if (state === "ended" && shown() === "left") show("ended");
    return;
  }
  current.over = true;
  current.stopLooking?.();
  current.call?.destroy();
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  connected(true);
  showRecording(false);
  say("");
  if (state) show(state);
  if (state === "left") import("./outside.js").then(({ watch }) => watch(meetingPath, callPath, LOOK_AGAIN));
}

// What a platform calls an error may only be that the meeting has ended.
async function stumble(current, sentence) {
  finish(current, "");
  const meeting = await api("GET", meetingPath).catch(() => null);
  if (meeting && !meeting.is_active) return show("ended");
  trouble(gettext("The meeting broke off"), { detail: sentence }, join);
}

async function lookAfter(current) {
  try {
    const meeting = await api("GET", meetingPath);
    connected(true);
    if (meeting.is_active) {
      if (facts.refusals) await tellRefusals();
      return false;
    }
    finish(current, "ended");
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 0 && !current.over) connected(false);
    throw error;
  }
}

// Whoever is in charge of the room may stop the recording, or the meeting, when somebody does not want it.
async function tellRefusals() {
  const { refused } = await api("GET", facts.refusals);
  const notice = document.getElementById("refused");
  notice.hidden = refused === 0;
  const said = ngettext(
    "Somebody has refused to be recorded: audio and video are deleted after the transcription.",
    "%(count)s people have refused to be recorded: audio and video are deleted after the transcription.",
    refused,
  );
  const sentence = fill(said, { count: refused });
  if (notice.textContent !== sentence) notice.textContent = sentence;
}

function isInCall() {
  return session !== null && !session.over && shown() === "call";
}

function connected(isThere) {
  document.getElementById("connection").hidden = isThere;
}

async function leave() {
  await Promise.race([session?.call?.leave(), new Promise((resolve) => setTimeout(resolve, LAST_WORDS))]);
  finish(session, "left");
}

function askForName() {
  const input = document.getElementById("name");
  input.value ||= recall(NAME, "localStorage") ?? ""; // what is typed already stays
  document.getElementById("name-form").addEventListener("submit", (event) => {
    event.preventDefault();
    name = input.value.trim();
    if (!name) return input.focus();
    keep(NAME, name, "localStorage");
    join();
  });
  document.getElementById("join").disabled = false;
  input.focus();
}

function setUpMeeting() {
  setUpControls(facts, { ended: () => finish(session, "ended") });
  document.getElementById("leave").addEventListener("click", leave);
  document.getElementById("rejoin").addEventListener("click", join);
  onAnswer(() => startByItself(session));
  remind(isInCall);
  window.addEventListener("beforeunload", (event) => {
    if (isInCall()) event.preventDefault();
  });
  window.addEventListener("offline", () => session && !session.over && connected(false));
  window.addEventListener("online", () => connected(true));
  if (facts.state === "name") askForName();
  else join();
}

if (facts.state === "opening") open();
else if (facts.meeting) setUpMeeting();
