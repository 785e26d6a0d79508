// Sends the form with a word on how far it is; without this script the browser sends it by itself.

import { gettext } from "../language.js";

const form = document.getElementById("upload");
const file = document.getElementById("id_file");
const problem = document.getElementById("file-error");
const sending = document.getElementById("sending");
const bar = document.getElementById("sent");
const words = document.getElementById("sent-words");
const OUT_OF_REACH = gettext("The server cannot be reached, or the connection broke. Please try again.");
const REFUSED = {
  408: OUT_OF_REACH,
  413: gettext("This file is too large."),
  503: gettext("Too much is being sent to the server. Please try again."),
};
let request = null;

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const [chosen] = file.files;
  if (request) return;
  if (!chosen) tell(gettext("Please choose a file."));
  else if (chosen.size > Number(file.dataset.largest)) tell(gettext("This file is too large."));
  else send();
});
document.getElementById("cancel")?.addEventListener("click", (event) => {
  if (!request) return;
  event.preventDefault();
  request.abort();
});
window.addEventListener("beforeunload", (event) => {
  if (request) event.preventDefault();
});

function send() {
  problem.hidden = true;
  request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => show(Math.floor((100 * loaded) / total)));
  request.addEventListener("load", () => take(request));
  request.addEventListener("error", () => stop(OUT_OF_REACH));
  request.addEventListener("abort", () => stop(gettext("It was not sent.")));
  request.open("POST", form.action);
  request.setRequestHeader("X-Quiet", "1");
  show(0);
  sending.hidden = false;
  request.send(new FormData(form));
}

function show(percent) {
  bar.value = percent;
  const said = percent < 100 ? `${percent} %` : gettext("It has come, and is being looked at.");
  if (words.textContent !== said) words.textContent = said;
}

// The server leads to the transcript, or shows the form again with what is wrong.
function take({ status, responseURL, responseText }) {
  if (status < 400) {
    request = null;
    location.assign(responseURL);
    return;
  }
  const page = new DOMParser().parseFromString(responseText, "text/html");
  const errors = [...page.querySelectorAll("#upload .error:not([hidden])")].map((error) => error.textContent);
  stop(errors.join(" ") || REFUSED[status] || gettext("Something went wrong. Please try again."));
}

function stop(text) {
  request = null;
  sending.hidden = true;
  tell(text);
}

function tell(text) {
  problem.textContent = text;
  problem.hidden = false;
  file.setAttribute("aria-invalid", "true");
  file.focus();
}
