// The sound that a tab sends: of its microphone, or of a canned conversation where there is none or it may not be used.

// Who comes first speaks the first one's part, who comes second the other's; speech/lines.json has their words.
const PARTS = ["ada", "ben"];
// As it is heard, so that a recording can be compared with what went in.
const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

// One part, over and over, as far on as the conversation is by now: so parts of several tabs answer each other.
async function part(number, seconds) {
  const name = PARTS[number % PARTS.length];
  const answer = await fetch(new URL(`speech/${name}.opus`, import.meta.url));
  const context = new AudioContext();
  const buffer = await context.decodeAudioData(await answer.arrayBuffer());
  const speaker = new AudioBufferSourceNode(context, { buffer, loop: true });
  const out = new MediaStreamAudioDestinationNode(context);
  speaker.connect(out);
  speaker.start(0, seconds() % buffer.duration);
  context.resume();
  return { stream: out.stream, close: () => context.close(), kind: "canned" };
}

async function microphone() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
  const close = () => stream.getTracks().forEach((track) => track.stop());
  return { stream, close, kind: "microphone" };
}

export class Microphone {
  constructor() {
    this.number = 0;
    this.began = Date.now();
    this.muted = false;
    this.opened = null;
    this.users = 0;
  }

  // Which part is this person's where there is no microphone, and when its conversation began (seconds since 1970).
  take(number, began) {
    this.number = number;
    this.began = began * 1000;
  }

  // The stream for one more recorder; give it back by `close`.
  async open() {
    this.users += 1;
    const seconds = () => Math.max(0, Date.now() - this.began) / 1000;
    this.opened ||= microphone().catch(() => part(this.number, seconds));
    const source = await this.opened;
    this.apply(source);
    return source;
  }

  async close() {
    this.users -= 1;
    if (this.users || !this.opened) return;
    const source = await this.opened;
    if (this.users) return;
    this.opened = null;
    source.close();
  }

  async mute(muted) {
    this.muted = muted;
    if (this.opened) this.apply(await this.opened);
  }

  apply(source) {
    source.stream.getAudioTracks().forEach((track) => {
      track.enabled = !this.muted;
    });
  }
}
