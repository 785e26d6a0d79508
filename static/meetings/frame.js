// A meeting in a plain frame: any platform without a part of its own, and those that are simulated. The simulated ones
// tell by messages what goes on; of others nothing is heard, and leaving them is closing the frame.
//
// A platform's own part, static/platforms/<alias>.js, has the same `embed({container, url, parameters, name, on})`. `url`
// lets this person in, with the `parameters` of the adapter's JoinLink where there are any. It calls on.joined(), on.left(), on.ended(), on.recording(boolean) and on.error(sentence), and gives
// {leave(), destroy()}; the page waits a moment for what `leave` returns, and always destroys.

import { gettext } from "../language.js";

const ALLOW = "camera; microphone; display-capture; fullscreen; autoplay";

export function withQuery(url, values) {
  const address = new URL(url);
  for (const [name, value] of Object.entries(values)) if (value) address.searchParams.set(name, value);
  return address.href;
}

export async function embed({ container, url, on }) {
  const { origin } = new URL(url);
  const frame = document.createElement("iframe");
  frame.allow = ALLOW;
  frame.title = gettext("Video call");
  frame.src = url;
  let gone = () => {};

  const listen = (event) => {
    if (event.source !== frame.contentWindow || event.origin !== origin || event.data?.sandbox !== true) return;
    if (event.data.type === "joined") on.joined();
    if (event.data.type === "recording") on.recording(event.data.on === true);
    if (event.data.type === "ended") on.ended();
    if (event.data.type === "left") {
      on.left();
      gone();
    }
  };
  window.addEventListener("message", listen);
  container.replaceChildren(frame);

  return {
    leave() {
      frame.contentWindow?.postMessage({ sandbox: true, type: "leave" }, origin);
      return new Promise((resolve) => (gone = resolve));
    },
    destroy() {
      window.removeEventListener("message", listen);
      frame.remove();
    },
  };
}
