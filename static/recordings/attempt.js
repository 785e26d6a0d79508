// What the modules of a transcript's page share.

import { ApiError } from "../site.js";

export const byId = (id) => document.getElementById(id);

// Shows what went wrong beside what caused it; other errors are bugs.
export async function attempt(place, act) {
  place.hidden = true;
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    place.textContent = error.detail;
    place.hidden = false;
  }
}

// In the API.
export function addressOf(article, rest = "") {
  return `/v1/transcripts/${article.dataset.id}${rest}`;
}

// Told to screen readers as well, and gone when something else happens.
export function tell(words) {
  byId("told").textContent = words;
}
