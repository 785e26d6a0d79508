// The page's parts, and new ones.

export const part = (id) => document.getElementById(id);

export function element(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}
