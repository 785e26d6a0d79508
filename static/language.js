// Texts in the reader's language, by Django's catalogue for scripts. Pages in English, as texts are written, have none.

const { gettext, ngettext } = globalThis.django ?? {
  gettext: (text) => text,
  ngettext: (one, many, count) => (count === 1 ? one : many),
};

export { gettext, ngettext };

// Puts values into a text, as %(name)s.
export function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

// For numbers and dates: the browser's own, such as British English, if it is of the page's language.
const language = document.documentElement.lang;
export const locale = navigator.languages.find((name) => name.split("-")[0] === language) ?? language;
