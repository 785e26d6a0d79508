// Offers the channels and topics that Zulip has, while they are entered; whatever is typed is taken.

import { api, ApiError } from "../site.js";

const stream = document.getElementById("id_zulip_stream");
const topic = document.getElementById("id_zulip_topic");
let streams;

if (stream && !stream.disabled) {
  stream.addEventListener("focus", offerStreams);
  topic.addEventListener("focus", offerTopics);
}

async function offerStreams() {
  streams ??= ask("/v1/zulip/streams");
  offer("zulip-streams", await streams);
}

async function offerTopics() {
  await offerStreams();
  const chosen = (await streams).find((one) => one.name === stream.value);
  offer("zulip-topics", chosen ? await ask(`/v1/zulip/streams/${chosen.stream_id}/topics`) : []);
}

async function ask(path) {
  try {
    return await api("GET", path);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [];
  }
}

function offer(id, found) {
  const options = found.map((one) => Object.assign(document.createElement("option"), { value: one.name }));
  document.getElementById(id).replaceChildren(...options);
}
