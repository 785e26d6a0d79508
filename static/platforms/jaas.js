// Jitsi's own call: https://jitsi.github.io/handbook/docs/dev-guide/dev-guide-iframe
// Its script comes from the deployment that the room is on, as it must fit that.

import { gettext } from "../language.js";

const SENTENCES = {
  "conference.authenticationRequired": gettext("The way into the meeting is no longer valid. Please try again."),
  "conference.connectionError.membersOnly": gettext("A host has to let you into this meeting."),
  "conference.destroyed": gettext("The meeting has ended."),
  "conference.max_users": gettext("The meeting is full."),
  "connection.passwordRequired": gettext("The way into the meeting is no longer valid. Please try again."),
};
const BROKEN = gettext("The meeting broke off. Please try again.");

const scripts = new Map(); // by address

function load(source) {
  if (!scripts.has(source)) {
    const loading = new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = () => {
        scripts.delete(source);
        reject(new Error(source));
      };
      document.head.append(script);
    });
    scripts.set(source, loading);
  }
  return scripts.get(source);
}

export async function embed({ container, url, parameters, name, on }) {
  const address = new URL(url);
  const room = address.pathname.slice(1); // <app id>/<room>
  const [tenant] = room.split("/");
  try {
    await load(`${address.origin}/${tenant}/external_api.js`);
  } catch {
    on.error(gettext("The meeting cannot be shown now. Please try again."));
    return { leave() {}, destroy() {} };
  }
  const call = new window.JitsiMeetExternalAPI(address.host, {
    roomName: room,
    jwt: address.searchParams.get("jwt"),
    noSSL: address.protocol === "http:",
    parentNode: container,
    userInfo: name ? { displayName: name } : {},
    configOverwrite: {
      prejoinConfig: { enabled: false }, // the room's page has asked already
      recordings: { suggestRecording: parameters?.recording === "prompt" },
    },
  });
  call.getIFrame().title = gettext("Video call");

  let wasSentOut = false;
  let gone = () => {};
  call.addListener("videoConferenceJoined", () => {
    on.joined();
    if (parameters?.recording === "automatic") call.startRecording({ mode: "file" });
  });
  call.addListener("videoConferenceLeft", () => {
    if (!wasSentOut) on.left();
    gone();
  });
  call.addListener("recordingStatusChanged", ({ on: isOn, mode }) => {
    if (mode !== "stream") on.recording(isOn === true);
  });
  call.addListener("participantKickedOut", ({ kicked }) => {
    if (!kicked?.local) return;
    wasSentOut = true;
    on.error(gettext("You were sent out of the meeting by its host."));
  });
  call.addListener("errorOccurred", (event) => {
    const error = event.error ?? event;
    if (error.isFatal) on.error(SENTENCES[error.name] ?? BROKEN);
  });

  return {
    leave() {
      call.executeCommand("hangup");
      return new Promise((resolve) => (gone = resolve));
    },
    destroy: () => call.dispose(),
  };
}
