// The page of a transcript: waits for it, plays it, and lets its owner rename, delete and restore it.

import { ApiError, api, poll } from "../site.js";
import { freshPage } from "./fresh.js";
import { setUpPlayer } from "./player.js";

const SECONDS = 3;

const byId = (id) => document.getElementById(id);

function setUp() {
  setUpPlayer();
  if (byId("rename")) setUpRenaming();
  if (byId("delete")) setUpDeleting();
}

// Shows what went wrong beside what caused it; other errors are bugs.
async function attempt(place, act) {
  place.hidden = true;
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    place.textContent = error.detail;
    place.hidden = false;
  }
}

function addressOf(article, rest = "") {
  return `/v1/transcripts/${article.dataset.id}${rest}`;
}

function waitUntilReady() {
  const isReady = () => byId("transcript").dataset.state === "ready";
  if (isReady()) return;
  poll(async () => {
    const fresh = (await freshPage()).getElementById("transcript");
    const old = byId("transcript");
    if (fresh && fresh.dataset.state !== old.dataset.state) {
      old.replaceWith(document.adoptNode(fresh));
      setUp();
    }
    return isReady();
  }, SECONDS);
}

function setUpRenaming() {
  const [button, form, field, heading] = ["rename", "rename-form", "new-title", "title"].map(byId);
  const show = (isOpen) => {
    form.hidden = !isOpen;
    byId("title-row").hidden = isOpen;
    byId("rename-error").hidden = true;
    (isOpen ? field : button).focus();
  };
  const open = () => {
    field.value = heading.textContent;
    show(true);
    field.select();
  };
  button.hidden = false;
  button.addEventListener("click", open);
  byId("rename-cancel").addEventListener("click", () => show(false));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show(false);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(byId("rename-error"), async () => {
      const changed = await api("PATCH", addressOf(byId("transcript")), { title: field.value.trim() });
      heading.textContent = changed.title ?? changed.name;
      document.title = `${heading.textContent} – Reflector Rooms`;
      show(false);
    });
  });
}

function setUpDeleting() {
  const dialog = byId("delete-dialog");
  byId("delete").hidden = false;
  byId("delete").addEventListener("click", () => dialog.showModal());
  byId("delete-confirm").addEventListener("click", () => {
    attempt(byId("delete-error"), async () => {
      await api("DELETE", addressOf(byId("transcript")));
      location.reload();
    });
  });
}

function setUpRestoring() {
  byId("restore").addEventListener("click", () => {
    attempt(byId("restore-error"), async () => {
      await api("POST", addressOf(byId("trash"), "/restore"));
      location.reload();
    });
  });
}

if (byId("trash")) {
  setUpRestoring();
} else {
  setUp();
  waitUntilReady();
}
