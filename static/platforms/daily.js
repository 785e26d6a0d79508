// Daily Prebuilt in a frame of daily-js: https://docs.daily.co/reference/daily-js/factory-methods/create-frame

import { gettext } from "../language.js";
import * as frame from "../meetings/frame.js";

const OWN = /^https:\/\/[^./]+\.daily\.co\/./;
// https://docs.daily.co/reference/daily-js/events/meeting-events#error
const SENTENCES = {
  ejected: gettext("You were sent out of the meeting, or it was closed."),
  "nbf-room": gettext("The meeting has not begun yet."),
  "nbf-token": gettext("The meeting has not begun yet."),
  "exp-room": gettext("The meeting's time is over."),
  "exp-token": gettext("The way into the meeting is no longer valid. Please try again."),
  "no-room": gettext("The meeting is not there any more."),
  "meeting-full": gettext("The meeting is full."),
  "end-of-life": gettext("This page's version of Daily is too old. Please tell an administrator."),
  "not-allowed": gettext("You are not allowed into this meeting."),
  "connection-error": gettext("The connection to the meeting broke off."),
};

export async function embed(options) {
  const { container, url, name, on } = options;
  if (!OWN.test(url) || !window.Daily) return frame.embed(options);
  const address = new URL(url);
  const token = address.searchParams.get("t");
  address.search = "";
  // There may be one at a time.
  await window.Daily.getCallInstance()?.destroy();
  const call = window.Daily.createFrame(container, { showLeaveButton: true, showFullscreenButton: true });
  call.iframe().title = gettext("Video call");
  call.on("joined-meeting", () => on.joined());
  call.on("left-meeting", () => on.left());
  call.on("recording-started", () => on.recording(true));
  call.on("recording-stopped", () => on.recording(false));
  call.on("recording-error", () => on.recording(false));
  call.on("error", ({ error }) => on.error(SENTENCES[error?.type] ?? gettext("The meeting broke off. Please try again.")));
  // What goes wrong while joining is told by the event as well.
  call.join({ url: address.href, ...(token && { token }), ...(name && { userName: name }) }).catch(() => {});

  return {
    leave: () => call.leave(),
    destroy() {
      call.iframe()?.remove(); // destroy() waits for the frame's answer, which one that never loaded does not give
      return call.destroy();
    },
  };
}
