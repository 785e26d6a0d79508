// Whereby's web component: https://docs.whereby.com/reference/react-native-components-and-web-component/web-component

import { gettext } from "../language.js";
import * as frame from "../meetings/frame.js";

const OWN = /^https:\/\/[^./]+\.whereby\.com\/./; // the component shows nothing else
const ODD = /[$!<>:;]/g; // a name with these makes Whereby ask again

export async function embed(options) {
  const { container, url, on } = options;
  const name = options.name.replace(ODD, "").slice(0, 100);
  if (!OWN.test(url) || !customElements.get("whereby-embed")) {
    return frame.embed({ ...options, url: frame.withQuery(url, { displayName: name }) });
  }
  const element = document.createElement("whereby-embed");
  element.setAttribute("room", url); // before it is in the page, or it stays empty
  element.setAttribute("title", gettext("Video call"));
  element.setAttribute("minimal", "");
  if (name) element.setAttribute("displayName", name);

  // Its events do not bubble. Out of the page it still hears messages, so what comes then is not passed on.
  let isOpen = true;
  let gone = () => {};
  const hear = (type, tell) => element.addEventListener(type, (event) => isOpen && tell(event.detail ?? {}));
  hear("join", () => on.joined());
  hear("meeting_end", () => on.ended());
  hear("leave", ({ removed }) => {
    if (removed) on.error(gettext("You were sent out of the meeting by its host."));
    else on.left();
    gone();
  });
  hear("recording_status_change", ({ status }) => {
    if (status === "started" || status === "stopped") on.recording(status === "started");
  });
  container.replaceChildren(element);

  return {
    leave() {
      element.leaveRoom(); // in vain unless Whereby's dashboard allows this site to give commands
      return new Promise((resolve) => (gone = resolve));
    },
    destroy() {
      isOpen = false;
      element.remove();
    },
  };
}
