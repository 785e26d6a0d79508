// Talking with the page that frames this one: plainly, or as the provider's own page talks with the provider's SDK.
// Nothing of it is secret, so that it may go to any origin.

const query = new URLSearchParams(location.search);

class Frame {
  constructor(facts) {
    this.facts = facts;
    this.commands = { leave() {}, record() {}, mute() {}, prepare() {} };
    if (window.parent === window) return;
    window.addEventListener("message", (event) => {
      const isMessage = event.source === window.parent && event.data && typeof event.data === "object";
      if (isMessage) this.hear(event.data);
    });
  }

  post(message) {
    if (window.parent !== window) window.parent.postMessage(message, "*");
  }
}

class Plain extends Frame {
  hear(message) {
    if (message.sandbox === true && message.type === "leave") this.commands.leave();
  }

  say(type, more = {}) {
    this.post({ sandbox: true, type, ...more });
  }

  ready() {
    this.say("ready");
    if (this.facts.refusal) this.say("ended");
  }

  refused() {}

  waiting() {}

  joined() {
    this.say("joined");
  }

  people() {}

  recording(on) {
    this.say("recording", { on });
  }

  muted() {}

  left() {
    this.say("left");
  }

  ended() {
    this.say("ended");
  }
}

// https://docs.whereby.com/reference/using-the-whereby-embed-element
class WherebyFrame extends Frame {
  hear({ command, args = [] }) {
    if (command === "leave_room") this.commands.leave();
    if (command === "start_recording") this.commands.record(true);
    if (command === "stop_recording") this.commands.record(false);
    if (command === "toggle_microphone") this.commands.mute(args[0] === undefined ? null : !args[0]);
  }

  say(type, payload = {}) {
    this.post({ type, payload });
  }

  ready() {
    this.say("ready");
    if (this.facts.refusal) this.say("meeting_end");
  }

  refused() {}

  waiting() {
    this.say("knock");
  }

  joined() {
    this.say("join");
  }

  people(before, now) {
    for (const person of now) if (!before.has(person.session) && !person.you) this.say("participant_join", guest());
    const present = new Set(now.map((person) => person.session));
    for (const session of before.keys()) if (!present.has(session)) this.say("participant_leave", guest());
    this.say("participantupdate", { count: now.length });
  }

  recording(on) {
    this.say("recording_status_change", { status: on ? "started" : "stopped" });
  }

  muted(muted) {
    this.say("microphone_toggle", { enabled: !muted });
  }

  left() {
    this.say("leave", { removed: false });
  }

  ended(closed) {
    if (closed) this.say("meeting_end");
    this.say("leave", { removed: true });
  }
}

const guest = () => ({ participant: { metadata: null, externalId: null } });

// As daily-js talks with Prebuilt in its frame: https://docs.daily.co/reference/daily-js
class DailyFrame extends Frame {
  hear(message) {
    if (message.what !== "iframe-call-message" || message.from !== "module") return;
    if (message.action === "iframe-launch-config") {
      this.prepare(message);
      this.say("loaded");
    }
    if (message.action === "join-meeting") {
      this.prepare(message.properties || {});
      if (this.facts.refusal) this.refused(this.facts.refusal);
    }
    if (message.action === "leave-meeting") this.leave();
    if (message.action === "local-audio") this.commands.mute(!message.state);
    if (message.action === "local-recording-start") this.commands.record(true);
    if (message.action === "local-recording-stop") this.commands.record(false);
  }

  say(action, more = {}) {
    const who = { what: "iframe-call-message", from: "embedded", callClientId: query.get("emb") };
    this.post({ ...more, action, ...who });
  }

  prepare({ token, userName }) {
    this.commands.prepare({ t: token }, userName);
  }

  // daily-js waits for the word that it has left, even where nobody had joined.
  async leave() {
    const was = await this.commands.leave();
    if (!was) this.say("left-meeting");
  }

  ready() {
    this.say("iframe-ready-for-launch-config");
  }

  refused({ reason, message }) {
    this.say("error", { errorMsg: message, error: { type: reason || "connection-error", msg: message } });
  }

  waiting() {
    this.say("access-state-updated", {
      access: { level: "lobby" },
      awaitingAccess: { level: "full" },
    });
  }

  joined(state) {
    const people = state.people.map((person) => [person.you ? "local" : person.session, participant(person)]);
    this.say("joined-meeting", { participants: Object.fromEntries(people) });
  }

  people(before, now) {
    const others = now.filter((person) => !person.you);
    for (const person of others) {
      if (!before.has(person.session)) this.say("participant-joined", { participant: participant(person) });
    }
    const present = new Set(now.map((person) => person.session));
    for (const [session, person] of before) {
      if (!present.has(session)) this.say("participant-left", { participant: participant(person) });
    }
    this.say("participant-counts-updated", { participantCounts: { present: now.length, hidden: 0 } });
  }

  recording(on, one) {
    const about = { instanceId: one.instance };
    const started = { ...about, recordingId: one.id, startedBy: one.by, type: one.kind, local: false };
    this.say(on ? "recording-started" : "recording-stopped", on ? started : about);
  }

  muted() {}

  left() {
    this.say("left-meeting");
  }

  ended() {
    this.refused({ reason: "ejected", message: "Meeting has ended" });
  }
}

const participant = (person) => ({
  session_id: person.session,
  user_id: person.user || person.session,
  user_name: person.name,
  local: person.you,
  owner: person.host,
  audio: true,
  video: false,
  screen: false,
  record: false,
  joined_at: new Date(person.since * 1000),
  will_eject_at: new Date(0),
  tracks: Object.fromEntries(
    ["audio", "video", "screenAudio", "screenVideo"].map((kind) => [
      kind,
      { state: kind === "audio" ? "sendable" : "off", subscribed: false },
    ]),
  ),
});

// As the page of a call talks with external_api.js: https://jitsi.github.io/handbook/docs/dev-guide/dev-guide-iframe-events
class JitsiFrame extends Frame {
  hear({ jitsi, command }) {
    if (jitsi !== true) return;
    if (command === "hangup") this.hangUp();
    if (command === "startRecording") this.commands.record(true);
    if (command === "stopRecording") this.commands.record(false);
    if (command === "toggleAudio") this.commands.mute(null);
  }

  say(event, details = {}) {
    this.post({ jitsi: true, event, details });
  }

  // It is told also where nobody had joined.
  async hangUp() {
    const was = await this.commands.leave();
    if (!was) this.say("videoConferenceLeft");
  }

  ready() {
    if (this.facts.refusal) this.refused(this.facts.refusal);
  }

  refused({ message }) {
    this.say("errorOccurred", { error: { name: "connection.passwordRequired", message, isFatal: true } });
  }

  waiting() {}

  joined() {
    this.say("videoConferenceJoined", { roomName: this.facts.room });
  }

  people(before, now) {
    for (const person of now) {
      if (!before.has(person.session) && !person.you) this.say("participantJoined", { id: person.session });
    }
    const present = new Set(now.map((person) => person.session));
    for (const session of before.keys()) if (!present.has(session)) this.say("participantLeft", { id: session });
  }

  recording(on) {
    this.say("recordingStatusChanged", { on, mode: "file" });
  }

  muted(muted) {
    this.say("audioMuteStatusChanged", { muted });
  }

  left() {
    this.say("videoConferenceLeft");
    this.say("readyToClose");
  }

  ended() {
    this.say("participantKickedOut", { kicked: { local: true } });
    this.left();
  }
}

export function frameFor(facts) {
  if (facts.platform === "jaas" && location.hash.includes("jitsi_meet_external_api_id")) return new JitsiFrame(facts);
  if (facts.platform === "whereby" && query.has("jsApi")) return new WherebyFrame(facts);
  if (facts.platform === "daily" && query.has("emb")) return new DailyFrame(facts);
  return new Plain(facts);
}
