import * as frame from "../meetings/frame.js";

export function embed(options) {
  return frame.embed({ ...options, url: frame.withQuery(options.url, { name: options.name }) });
}
