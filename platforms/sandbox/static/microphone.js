// The sound that a tab sends: of its microphone, or a tone where there is none or it may not be used.

const LOWEST = 300; // hertz
const STEP = 60; // hertz from one person's tone to the next one's
const TONES = 8;
const VOLUME = 0.25;
// As it is heard, so that a recording can be compared with what went in.
const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

function tone(voice) {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency: LOWEST + STEP * voice });
  const volume = new GainNode(context, { gain: VOLUME });
  const out = new MediaStreamAudioDestinationNode(context);
  oscillator.connect(volume).connect(out);
  oscillator.start();
  context.resume();
  return { stream: out.stream, close: () => context.close(), kind: "tone" };
}

async function microphone() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
  const close = () => stream.getTracks().forEach((track) => track.stop());
  return { stream, close, kind: "microphone" };
}

export class Microphone {
  // `voice` is a number that tells people's tones apart.
  constructor(voice) {
    this.voice = voice % TONES;
    this.muted = false;
    this.opened = null;
    this.users = 0;
  }

  // The stream for one more recorder; give it back by `close`.
  async open() {
    this.users += 1;
    this.opened ||= microphone().catch(() => tone(this.voice));
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
