// All that a page on another origin needs: its origin in the server's CORS_ORIGINS, and a bearer token.

const POLL_MS = 2000;
const find = (id) => document.getElementById(id);
let server = "";
let token = "";
let newest = 0; // the change_seq of the latest change that was seen
let meeting = null;

async function api(method, path, body) {
  const response = await fetch(`${server}/v1${path}`, {
    method,
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) {
    // `code` is for programs; `detail` is a sentence, or with status 422 a list that names each field.
    const words = Array.isArray(answer.detail) ? answer.detail.map((problem) => problem.msg).join(" ") : answer.detail;
    throw Object.assign(new Error(words), { code: answer.code });
  }
  return answer;
}

function say(words) {
  find("message").textContent = words;
}

const trying = (action) => (...given) => action(...given).catch((error) => say(error.message));

async function signIn(form) {
  server = form.get("server").replace(/\/$/, "");
  const who = { email: form.get("email"), password: form.get("password") };
  token = (await api("POST", "/auth/login", who)).access_token;
  const me = await api("GET", "/me");
  say(`Signed in as ${me.email}.`);
  find("login").hidden = true;
  find("signed-in").hidden = false;
  await listRooms();
  await follow();
}

async function listRooms() {
  const { items } = await api("GET", "/rooms?size=100");
  find("rooms").replaceChildren(...items.map((room) => choice(room.name, `Open ${room.name}`, () => open(room))));
}

function choice(words, action, act) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.textContent = action;
  button.addEventListener("click", trying(act));
  item.append(words, " ", button);
  return item;
}

// A room has one live meeting, which is opened if there is none; joining gives the address that lets this person in.
async function open(room) {
  const opened = await api("POST", `/rooms/${room.name}/meeting`, {});
  meeting = await api("POST", `/rooms/${room.name}/meetings/${opened.id}/join`);
  find("meeting-name").textContent = room.name;
  find("meeting").hidden = false;
  find("call").src = meeting.room_url;
}

async function answer(given) {
  await api("POST", `/meetings/${meeting.id}/consent`, { consent_given: given });
  say(given ? "You agreed to being recorded." : "Audio and video will be deleted.");
  // Once in a call, and 200 also where it is recorded anyway.
  if (given) await api("POST", `/meetings/${meeting.id}/recordings/start`, { automatic: true });
}

// Looks again and again, also after a look that failed: the server may have been away for a moment.
async function follow() {
  try {
    await look();
  } finally {
    setTimeout(trying(follow), POLL_MS);
  }
}

// Only what has changed since the last look is fetched.
async function look() {
  const { items } = await api("GET", `/transcripts?sort_by=change_seq&change_seq_from=${newest}&size=100`);
  for (const transcript of items) {
    newest = transcript.change_seq;
    const words = `${transcript.title}: ${transcript.status}`;
    const item = choice(words, `Read ${transcript.title}`, () => read(transcript));
    item.id = `transcript-${transcript.id}`;
    find(item.id)?.remove();
    find("transcripts").prepend(item);
  }
}

async function read(transcript) {
  const found = await api("GET", `/transcripts/${transcript.id}?transcript_format=text-timestamped`);
  find("said").textContent = found.transcript || "Nothing was said yet.";
}

find("login").addEventListener("submit", (event) => {
  event.preventDefault();
  trying(signIn)(new FormData(event.target));
});
find("agree").addEventListener("click", trying(() => answer(true)));
find("refuse").addEventListener("click", trying(() => answer(false)));
