// What a deployment of Jitsi serves under this name, as far as embedding a call needs it:
// https://jitsi.github.io/handbook/docs/dev-guide/dev-guide-iframe

(() => {
  const ALLOW = "camera; microphone; display-capture; fullscreen; autoplay; clipboard-write";
  let count = 0;

  class JitsiMeetExternalAPI {
    constructor(domain, { roomName, jwt, noSSL, parentNode = document.body, configOverwrite = {}, userInfo = {} }) {
      const address = new URL(`${noSSL ? "http" : "https"}://${domain}/${roomName}`);
      if (jwt) address.searchParams.set("jwt", jwt);
      if (userInfo.displayName) address.searchParams.set("displayName", userInfo.displayName);
      if (configOverwrite.recordings?.suggestRecording) address.searchParams.set("suggestRecording", "true");
      address.hash = `jitsi_meet_external_api_id=${count}`;
      count += 1;
      this.origin = address.origin;
      this.listeners = new Map();
      this.frame = document.createElement("iframe");
      this.frame.allow = ALLOW;
      this.frame.src = address.href;
      this.hear = this.hear.bind(this);
      window.addEventListener("message", this.hear);
      parentNode.replaceChildren(this.frame);
    }

    hear({ source, origin, data }) {
      if (source !== this.frame.contentWindow || origin !== this.origin || data?.jitsi !== true) return;
      for (const listener of this.listeners.get(data.event) ?? []) listener(data.details ?? {});
    }

    addListener(event, listener) {
      this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
      return this;
    }

    executeCommand(command, ...args) {
      this.frame.contentWindow?.postMessage({ jitsi: true, command, args }, this.origin);
    }

    startRecording(options) {
      this.executeCommand("startRecording", options);
    }

    getIFrame() {
      return this.frame;
    }

    dispose() {
      window.removeEventListener("message", this.hear);
      this.frame.remove();
    }
  }

  window.JitsiMeetExternalAPI = JitsiMeetExternalAPI;
})();
