// What the browser remembers for these pages; nothing where its owner does not want that.

export function recall(name, where) {
  try {
    return window[where].getItem(name);
  } catch {
    return null;
  }
}

export function keep(name, value, where) {
  try {
    window[where].setItem(name, value);
  } catch {
    // It is asked for again next time.
  }
}
