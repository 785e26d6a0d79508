// What the page asks of the sandbox.

const PAUSE = 500; // milliseconds before a request that did not get through is made again
const TRIES = 5;

export class Refused extends Error {
  constructor(message, reason, status) {
    super(message);
    this.reason = reason;
    this.status = status;
  }
}

export const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function ask(method, path, query, body, options = {}) {
  const address = `${location.pathname.replace(/\/$/, "")}/api/${path}?${new URLSearchParams(query)}`;
  const isBytes = body instanceof Blob;
  const response = await fetch(address, {
    method,
    headers: isBytes ? { "Content-Type": "application/octet-stream" } : { "Content-Type": "application/json" },
    body: isBytes || body === undefined ? body : JSON.stringify(body),
    ...options,
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.error || "The sandbox did not answer.", answer.reason, response.status);
  return answer;
}

async function insist(...request) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await ask(...request);
    } catch (error) {
      const isFinal = error instanceof Refused && error.status < 500;
      if (isFinal || tried === TRIES) throw error;
      await wait(PAUSE);
    }
  }
}

export class Wire {
  constructor() {
    this.connection = "";
    this.seen = "";
  }

  async join(name, query) {
    const state = await ask("POST", "join", {}, { name, query });
    this.connection = state.connection;
    this.seen = state.seen;
    return state;
  }

  async news() {
    const state = await ask("GET", "news", { connection: this.connection, seen: this.seen });
    this.seen = state.seen;
    return state;
  }

  async leave() {
    const connection = this.forget();
    if (connection) await ask("POST", "leave", { connection }).catch(() => {});
  }

  // For a page that is about to be gone, and cannot wait for an answer.
  vanish() {
    const connection = this.forget();
    const query = new URLSearchParams({ connection });
    if (connection) navigator.sendBeacon(`${location.pathname.replace(/\/$/, "")}/api/leave?${query}`);
  }

  forget() {
    const connection = this.connection;
    this.connection = "";
    this.seen = "";
    return connection;
  }

  decide(number, admit) {
    return ask("POST", "decide", { connection: this.connection }, { number, admit });
  }

  record(on) {
    return ask("POST", "recording", { connection: this.connection }, { on });
  }

  sendAudio(connection, recording, segment, number, age, chunk) {
    return insist("POST", "audio", { connection, recording, segment, number, age: Math.round(age) }, chunk);
  }

  endAudio(connection, recording) {
    return insist("POST", "audio-end", { connection, recording });
  }
}
