// A call at LiveKit, drawn here with its SDK: https://docs.livekit.io/reference/client-sdk-js/
//
// The parameters are the server's address and the token of this person's connection. Without them, as in the sandbox,
// the meeting is a page in a frame.

import { fill, gettext } from "../language.js";
import * as frame from "../meetings/frame.js";

const CONTROLS = [
  { device: "microphone", label: gettext("Microphone"), source: "microphone", set: "setMicrophoneEnabled" },
  { device: "camera", label: gettext("Camera"), source: "camera", set: "setCameraEnabled" },
  { device: "screen", label: gettext("Share screen"), source: "screen_share", set: "setScreenShareEnabled" },
];
const PICTURES = ["screen_share", "camera"];
// https://docs.livekit.io/reference/client-sdk-js/enums/DisconnectReason.html
const ENDED = ["ROOM_DELETED", "ROOM_CLOSED"];
const SENTENCES = {
  PARTICIPANT_REMOVED: gettext("You were sent out of the meeting."),
  DUPLICATE_IDENTITY: gettext("You joined this meeting again elsewhere."),
  SERVER_SHUTDOWN: gettext("The meeting's server is being restarted. Please try again."),
};
const PROBLEMS = {
  NotAllowedError: gettext("%(device)s: this browser does not allow it. Its settings for this page do."),
  NotFoundError: gettext("%(device)s: there is none."),
};
const BROKEN = gettext("The connection to the meeting broke off. Please try again.");

export async function embed(options) {
  if (!options.parameters?.token) return frame.embed(options);
  const call = new Call(window.LivekitClient, options);
  await call.connect();
  return call;
}

class Call {
  constructor(sdk, { container, parameters, on }) {
    this.sdk = sdk;
    this.parameters = parameters;
    this.on = on;
    this.isIn = false;
    this.isLeaving = false;
    this.isOver = false;
    this.tiles = new Map(); // by person and source
    this.sounds = new Map(); // by track
    // Pictures are asked for as large as they are shown, and only what somebody looks at is sent.
    this.room = new sdk.Room({ adaptiveStream: true, dynacast: true });
    this.draw(container);
    this.listen();
  }

  async connect() {
    try {
      await this.room.connect(this.parameters.server, this.parameters.token);
    } catch (error) {
      const isRefused = error?.reason === this.sdk.ConnectionErrorReason?.NotAllowed;
      this.fail(
        isRefused
          ? gettext("The way into the meeting is no longer valid. Please try again.")
          : gettext("The meeting's server cannot be reached. Please try again."),
      );
      return;
    }
    this.isIn = true;
    this.on.joined();
    this.on.recording(this.room.isRecording);
    this.refresh();
    // One after the other, so that the browser asks for one permission at a time.
    for (const control of CONTROLS.slice(0, 2)) await this.turn(control, true);
  }

  async leave() {
    this.isLeaving = true;
    await this.room.disconnect();
  }

  destroy() {
    this.isOver = true;
    for (const element of this.sounds.values()) element.remove();
    this.root.remove();
    return this.room.disconnect();
  }

  fail(sentence) {
    if (!this.isOver) this.on.error(sentence);
  }

  // What the server tells

  listen() {
    const { RoomEvent } = this.sdk;
    const hear = (event, tell) => this.room.on(RoomEvent[event], (...facts) => this.isOver || tell(...facts));
    hear("ParticipantConnected", (person) => this.say(fill(gettext("%(name)s joined"), { name: nameOf(person) })));
    hear("ParticipantDisconnected", (person) => this.say(fill(gettext("%(name)s left"), { name: nameOf(person) })));
    hear("RecordingStatusChanged", (isOn) => this.on.recording(isOn));
    hear("Reconnecting", () => this.say(gettext("The connection is lost. Trying to get it back…")));
    hear("Reconnected", () => this.say(gettext("The connection is back.")));
    hear("Disconnected", (reason) => this.disconnected(this.sdk.DisconnectReason[reason]));
    hear("TrackSubscribed", (track) => track.kind === "audio" && this.hearSound(track));
    hear("TrackUnsubscribed", (track) => this.dropSound(track));
    hear("AudioPlaybackStatusChanged", () => (this.unmute.hidden = this.room.canPlaybackAudio));
    for (const event of [
      ...["ParticipantConnected", "ParticipantDisconnected", "ParticipantNameChanged", "ActiveSpeakersChanged"],
      ...["TrackSubscribed", "TrackUnsubscribed", "TrackMuted", "TrackUnmuted"],
      ...["LocalTrackPublished", "LocalTrackUnpublished"],
    ]) {
      hear(event, () => this.refresh());
    }
  }

  /** That joining failed is told by `connect`, which knows why. */
  disconnected(reason) {
    if (!this.isIn) return;
    if (this.isLeaving || reason === "CLIENT_INITIATED") this.on.left();
    else if (ENDED.includes(reason)) this.on.ended();
    else this.fail(SENTENCES[reason] ?? BROKEN);
  }

  hearSound(track) {
    const element = track.attach();
    this.sounds.set(track, element);
    this.root.append(element);
  }

  dropSound(track) {
    for (const element of track.detach()) element.remove();
    this.sounds.delete(track);
  }

  // Microphone, camera and screen

  async turn({ set, label }, isOn) {
    try {
      await this.room.localParticipant[set](isOn);
      this.say("");
    } catch (error) {
      // Who closes the browser's question about the screen has chosen so.
      if (set !== "setScreenShareEnabled" || error?.name !== "NotAllowedError") this.say(problemWith(label, error));
    }
    this.refresh();
  }

  // The page

  draw(container) {
    this.root = make("section", { className: "lk-call", ariaLabel: gettext("Video call") });
    // Both scroll where there are many, so that the keyboard must reach them.
    this.list = make("ul", { className: "lk-tiles", ariaLabel: gettext("Pictures"), tabIndex: 0 });
    this.status = make("p", { className: "lk-status" });
    this.status.setAttribute("role", "status");
    this.unmute = button(gettext("Hear the others"), () => this.room.startAudio());
    this.unmute.hidden = true;
    this.buttons = CONTROLS.map((control) => {
      const made = button(control.label, () => this.turn(control, made.getAttribute("aria-pressed") !== "true"));
      made.hidden = control.device === "screen" && !navigator.mediaDevices?.getDisplayMedia;
      return made;
    });
    this.people = make("aside", { className: "lk-people", id: "lk-people", hidden: true, tabIndex: 0 });
    this.toggle = button(gettext("People"), () => this.showPeople(this.people.hidden));
    this.toggle.setAttribute("aria-controls", "lk-people");
    const leave = button(gettext("Leave call"), () => this.leave());
    leave.classList.add("lk-leave");
    const bar = make("div", { className: "lk-controls" });
    bar.append(this.unmute, ...this.buttons, this.toggle, leave);
    const middle = make("div", { className: "lk-middle" });
    middle.append(this.list, this.people);
    this.root.append(middle, this.status, bar);
    container.replaceChildren(this.root);
    this.showPeople(false);
  }

  showPeople(isShown) {
    this.people.hidden = !isShown;
    this.toggle.setAttribute("aria-expanded", String(isShown));
  }

  say(sentence) {
    this.status.textContent = sentence;
  }

  refresh() {
    const own = this.room.localParticipant;
    const everybody = [own, ...this.room.remoteParticipants.values()];
    this.buttons.forEach((made, place) => {
      const publication = own.getTrackPublication(CONTROLS[place].source);
      made.setAttribute("aria-pressed", String(Boolean(publication && !publication.isMuted)));
    });
    this.toggle.textContent = fill(gettext("People (%(number)s)"), { number: everybody.length });
    this.refreshPeople(everybody, own);
    this.refreshTiles(everybody, own);
  }

  refreshPeople(everybody, own) {
    const heading = make("h2", { textContent: gettext("People") });
    const list = make("ul", {});
    for (const person of everybody) {
      const line = make("li", { dir: "auto", textContent: nameOf(person, own) });
      const microphone = person.getTrackPublication("microphone");
      if (!microphone || microphone.isMuted) line.append(make("span", { textContent: " muted" }));
      list.append(line);
    }
    this.people.replaceChildren(heading, list);
  }

  /** What is shown already stays as it is, or pictures would flicker. */
  refreshTiles(everybody, own) {
    const wanted = new Map();
    for (const person of everybody) {
      for (const source of PICTURES) {
        const publication = person.getTrackPublication(source);
        const track = publication && !publication.isMuted ? publication.track : undefined;
        if (track || source === "camera") wanted.set(`${source} ${person.identity}`, { person, source, track });
      }
    }
    for (const [key, tile] of this.tiles) {
      if (wanted.has(key)) continue;
      tile.element.remove();
      this.tiles.delete(key);
    }
    for (const [key, { person, source, track }] of wanted) {
      const tile = this.tiles.get(key) ?? this.addTile(key, source);
      const name = nameOf(person, own);
      tile.caption.textContent = source === "camera" ? name : fill(gettext("Screen of %(name)s"), { name });
      tile.element.classList.toggle("is-speaking", source === "camera" && person.isSpeaking);
      tile.element.classList.toggle("is-own", source === "camera" && person === own);
      if (tile.track !== track) showPicture(tile, track);
    }
  }

  addTile(key, source) {
    const tile = { element: make("li", { className: `lk-tile lk-${source}` }), caption: make("p", { dir: "auto" }) };
    tile.element.append(tile.caption);
    this.tiles.set(key, tile);
    this.list.append(tile.element);
    return tile;
  }
}

function showPicture(tile, track) {
  tile.track?.detach(tile.video);
  tile.video?.remove();
  tile.track = track;
  tile.video = track?.attach();
  if (tile.video) tile.element.prepend(tile.video);
}

function nameOf(person, own) {
  const name = person.name || gettext("Somebody");
  return person === own ? fill(gettext("%(name)s (you)"), { name }) : name;
}

function problemWith(label, error) {
  return fill(PROBLEMS[error?.name] ?? gettext("%(device)s: it cannot be turned on or off just now."), { device: label });
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

function button(label, press) {
  const made = make("button", { type: "button", className: "lk-button", textContent: label });
  made.addEventListener("click", press);
  return made;
}
