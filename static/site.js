// What all pages share: calling the API, looking again and again, times in the reader's own zone, and the menu.

import { gettext, locale } from "./language.js";

const UNREACHABLE = gettext("The server cannot be reached. Please check the connection and try again.");
const COPIED_FOR = 2000; // milliseconds
const PLAIN = {
  401: gettext("Please log in and try again."),
  403: gettext("This is not allowed for you."),
  404: gettext("This does not exist, or not any more."),
  413: gettext("That is too large."),
  429: gettext("That was too often. Please wait a moment and try again."),
};

export class ApiError extends Error {
  // `status` is 0 when there was no answer, `retryAfter` is in seconds or null, `problems` is of the kind
  // [{loc: ["body", "name"], msg: "..."}] for input that breaks a rule.
  constructor(status, detail, retryAfter = null, problems = []) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.detail = detail;
    this.retryAfter = retryAfter;
    this.problems = problems;
  }
}

export async function api(method, path, body = undefined, { signal } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  const isForm = body instanceof URLSearchParams; // for the pages' own addresses
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers, signal, body: isForm ? body : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, UNREACHABLE);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw problemOf(response, answer);
  return answer;
}

// Logging in, also in another tab, makes a new one: the cookie has it, while the page has what it was served with.
function csrfToken() {
  const kept = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie);
  return kept?.[1] ?? document.querySelector('meta[name="csrf-token"]').content;
}

function problemOf(response, answer) {
  const seconds = Number.parseInt(response.headers.get("Retry-After"), 10);
  const retryAfter = Number.isNaN(seconds) ? null : seconds;
  const detail = answer?.detail;
  if (Array.isArray(detail)) {
    const sentence = detail.map((problem) => problem.msg).join(" ");
    return new ApiError(response.status, sentence, retryAfter, detail);
  }
  const sentence = typeof detail === "string" && detail ? detail : PLAIN[response.status];
  return new ApiError(response.status, sentence ?? gettext("Something went wrong. Please try again."), retryAfter);
}

// Calls `look` every so many seconds, which `seconds` gives, until it gives true or is stopped; not while the page is
// hidden, and less often while it fails. `now` has it look at once, `later` begins the wait anew.
export function poll(look, seconds) {
  let timer;
  let stopped = false;
  let failures = 0;
  let isLooking = false;
  let isWanted = false; // while it looked, or while the page was hidden
  const later = () => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(now, seconds() * 1000 * Math.min(8, 2 ** failures));
  };
  const now = async () => {
    clearTimeout(timer);
    isWanted = true;
    if (stopped || isLooking || document.hidden) return;
    isLooking = true;
    isWanted = false;
    try {
      if ((await look()) === true) stop();
      failures = 0;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failures += 1;
    } finally {
      isLooking = false;
    }
    if (isWanted) now();
    else later();
  };
  const shown = () => {
    if (document.hidden) return;
    if (isWanted) now();
    else later();
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", shown);
  };
  document.addEventListener("visibilitychange", shown);
  later();
  return { now, later, stop };
}

// <time datetime="..."> is written in UTC by the server; here it becomes the reader's own time.
export function showLocalTimes(root = document) {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (!Number.isNaN(moment.getTime())) element.textContent = format.format(moment);
  }
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.type === "click" && menu.contains(event.target)) continue;
    if (event.type === "keydown" && event.key !== "Escape") continue;
    menu.open = false;
    if (event.type === "keydown" && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
}

// A button with data-copy-text copies that, and says so in its own place for a moment.
async function copyText(event) {
  const button = event.target.closest("[data-copy-text]");
  if (!button) return;
  const words = button.innerHTML;
  try {
    await navigator.clipboard.writeText(button.dataset.copyText);
    button.textContent = gettext("Copied");
    setTimeout(() => (button.innerHTML = words), COPIED_FOR);
  } catch {
    window.prompt(gettext("Copy it from here:"), button.dataset.copyText); // there is no clipboard without https
  }
}

// The answer to a form that was refused is the form's page: it takes that page's address, by which it looks again.
const { address } = document.body.dataset;
if (address) history.replaceState(null, "", address);

document.documentElement.classList.add("has-script");
document.addEventListener("click", copyText);
document.addEventListener("click", closeMenus);
document.addEventListener("keydown", closeMenus);
showLocalTimes();
