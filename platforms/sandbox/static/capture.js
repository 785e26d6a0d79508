// While a recording runs, this tab's sound goes to the sandbox, piece by piece and in order.

const SLICE = 500; // milliseconds
const TYPE = "audio/webm;codecs=opus";

class Capture {
  constructor(wire, connection, recording, segment) {
    this.wire = wire;
    this.connection = connection;
    this.recording = recording;
    this.segment = segment;
    this.count = 0;
    this.sent = Promise.resolve();
    this.stopped = new Promise((resolve) => {
      this.resolveStopped = resolve;
    });
  }

  begin(stream) {
    this.recorder = new MediaRecorder(stream, { mimeType: TYPE });
    this.recorder.addEventListener("start", () => {
      this.began = performance.now();
    });
    this.recorder.addEventListener("dataavailable", (event) => this.queue(event.data));
    this.recorder.addEventListener("stop", () => this.resolveStopped());
    this.recorder.start(SLICE);
  }

  queue(chunk) {
    if (!chunk.size) return;
    const number = this.count;
    this.count += 1;
    this.sent = this.sent.then(() => this.send(number, chunk));
    // Without one of them, what follows is of no use; `end` does not mind.
    this.sent.catch(() => {});
  }

  send(number, chunk) {
    const age = performance.now() - (this.began ?? performance.now());
    return this.wire.sendAudio(this.connection, this.recording, this.segment, number, age, chunk);
  }

  async end() {
    if (this.recorder?.state === "recording") this.recorder.stop();
    else this.resolveStopped();
    await this.stopped;
    await this.sent.catch(() => {});
    await this.wire.endAudio(this.connection, this.recording);
  }
}

export class Captures {
  constructor(wire, microphone, onSource) {
    this.wire = wire;
    this.microphone = microphone;
    this.onSource = onSource;
    this.running = new Map(); // id of the recording -> promise of its capture
    this.segments = 0;
  }

  // Begin and end, so that just these recordings are captured.
  follow(ids) {
    for (const id of ids) if (!this.running.has(id)) this.running.set(id, this.begin(id));
    const over = [...this.running.keys()].filter((id) => !ids.includes(id));
    return Promise.all(over.map((id) => this.end(id)));
  }

  async begin(id) {
    const capture = new Capture(this.wire, this.wire.connection, id, this.segments);
    this.segments += 1;
    const source = await this.microphone.open();
    if (!this.running.has(id)) return capture;
    try {
      capture.begin(source.stream);
      this.onSource(source.kind);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.onSource("nothing");
    }
    return capture;
  }

  async end(id) {
    const beginning = this.running.get(id);
    this.running.delete(id);
    const capture = await beginning;
    // What cannot be delivered any more is lost, as with a real provider.
    await capture.end().catch(() => {});
    await this.microphone.close();
  }
}
