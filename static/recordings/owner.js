// What the owner of a transcript may do with all of it: rename, share, delete and restore.

import { gettext } from "../language.js";
import { api } from "../site.js";
import { addressOf, attempt, byId } from "./attempt.js";

export function setUpRenaming() {
  const [button, form, field, heading] = ["rename", "rename-form", "new-title", "title"].map(byId);
  const menu = byId("more");
  const show = (isOpen) => {
    form.hidden = !isOpen;
    byId("title-row").hidden = isOpen;
    byId("rename-error").hidden = true;
    menu.open = false;
    (isOpen ? field : menu.querySelector("summary")).focus();
  };
  const open = () => {
    field.value = heading.textContent;
    show(true);
    field.select();
  };
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

export function setUpSharing() {
  const [dialog, form, said] = ["share-dialog", "share-form", "share-said"].map(byId);
  byId("share").hidden = false;
  byId("share").addEventListener("click", () => {
    said.textContent = "";
    dialog.showModal();
  });
  byId("copy-link").addEventListener("click", async () => {
    await navigator.clipboard.writeText(location.origin + location.pathname);
    said.textContent = gettext("The link is copied.");
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value !== "save") return;
    event.preventDefault();
    attempt(byId("share-error"), async () => {
      const mode = new FormData(form).get("share_mode");
      await api("PATCH", addressOf(byId("transcript")), { share_mode: mode });
      dialog.close();
    });
  });
}

export function setUpDeleting() {
  const dialog = byId("delete-dialog");
  byId("delete").addEventListener("click", () => {
    byId("more").open = false;
    dialog.showModal();
  });
  byId("delete-confirm").addEventListener("click", () => {
    attempt(byId("delete-error"), async () => {
      await api("DELETE", addressOf(byId("transcript")));
      location.reload();
    });
  });
}

export function setUpRestoring() {
  byId("restore").addEventListener("click", () => {
    attempt(byId("restore-error"), async () => {
      await api("POST", addressOf(byId("trash") ?? byId("transcript"), "/restore"));
      location.reload();
    });
  });
}
