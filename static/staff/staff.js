// What Admin's pages do in the browser: times in the reader's zone, tabs, and the menu of narrow screens.

const gettext = globalThis.django?.gettext ?? ((text) => text);
const UTC = /\b(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)? UTC\b/g;
const LEFT_ALONE = "time, script, style, textarea, pre, code, option, title";

// Every moment that a page writes as "2026-11-28 17:04 UTC", be it within a sentence, becomes one of the reader's zone.
function showLocalTimes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) =>
    node.data.includes(" UTC") && !node.parentElement.closest(LEFT_ALONE) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT,
  );
  const found = [];
  while (walker.nextNode()) found.push(walker.currentNode);
  for (const node of found) node.replaceWith(...withTimes(node.data));
}

function withTimes(text) {
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(UTC)) {
    pieces.push(text.slice(end, match.index), timeElement(match));
    end = match.index + match[0].length;
  }
  return [...pieces, text.slice(end)];
}

function timeElement([written, day, minute, second = ""]) {
  const element = document.createElement("time");
  element.dateTime = `${day}T${minute}${second || ":00"}Z`;
  element.title = written;
  element.textContent = inWords(new Date(element.dateTime), Boolean(second));
  return element;
}

// The order of the parts is that of the servers' logs, so that lists stay aligned and can be compared.
function inWords(moment, withSeconds) {
  if (Number.isNaN(moment.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  const clock = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  return `${day} ${clock}${withSeconds ? `:${two(moment.getSeconds())}` : ""}`;
}

function localiseWrittenTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    if (element.classList.contains("ago")) {
      element.title = inWords(new Date(element.dateTime), true);
      continue;
    }
    element.title ||= element.textContent;
    const local = inWords(new Date(element.dateTime), /:\d\d:\d\d/.test(element.textContent));
    if (local) element.textContent = local;
  }
}

// Field sets of the class "tab" are shown one at a time. Without this script they stand one below the other.
function makeTabs() {
  const panels = [...document.querySelectorAll(".tab")].map(panelAround);
  if (panels.length < 2) return;
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  const tabs = panels.map((panel, index) => tabOf(panel, index));
  list.append(...tabs);
  panels[0].before(list);
  const show = (chosen) => {
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panels[index].hidden = tab !== chosen;
    });
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (!tab) return;
    show(tab);
    history.replaceState(null, "", `#${tab.dataset.name}`);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
  const wrong = panels.findIndex((panel) => panel.querySelector(".errorlist"));
  const named = tabs.find((tab) => `#${tab.dataset.name}` === decodeURIComponent(location.hash));
  show(tabs[wrong] ?? named ?? tabs[0]);
}

function panelAround(content) {
  const panel = document.createElement("div");
  content.replaceWith(panel);
  panel.append(content);
  return panel;
}

function tabOf(panel, index) {
  const tab = document.createElement("button");
  tab.type = "button";
  tab.setAttribute("role", "tab");
  tab.textContent = panel.querySelector("h2").textContent;
  tab.dataset.name = tab.textContent.toLowerCase().replaceAll(/\W+/g, "-");
  tab.id = `tab-${index}`;
  panel.id = `panel-${index}`;
  tab.setAttribute("aria-controls", panel.id);
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  if (panel.querySelector(".errorlist")) tab.classList.add("with-errors");
  return tab;
}

function makeMenu() {
  const button = document.getElementById("staff-menu");
  if (!button) return;
  const open = (isOpen) => button.setAttribute("aria-expanded", String(isOpen));
  button.hidden = false;
  button.addEventListener("click", () => open(button.getAttribute("aria-expanded") !== "true"));
  open(false);
}

// A sheet of filters closes like a menu.
function closeSheets(event) {
  for (const sheet of document.querySelectorAll("#filters[open]")) {
    if (event.type === "click" && sheet.contains(event.target)) continue;
    if (event.type === "keydown" && event.key !== "Escape") continue;
    sheet.open = false;
  }
}

// What does not fit its cell can be read by pointing at it.
function tellWhatIsCut() {
  for (const cell of document.querySelectorAll("#changelist tbody :is(td, th), .dense tbody :is(td, th)")) {
    if (cell.scrollWidth > cell.clientWidth) cell.title = cell.textContent.trim();
  }
}

function makeChooseAll() {
  const all = document.getElementById("choose-all");
  all?.addEventListener("change", () => {
    for (const box of all.form.querySelectorAll("[name=chosen]")) box.checked = all.checked;
  });
}

// Select2 gives the field in which one types no name, nor the box that shows what is chosen: it is that of the list.
function nameSearchFields() {
  for (const select of document.querySelectorAll("select.admin-autocomplete[id]")) {
    const name = document.querySelector(`label[for="${select.id}"]`)?.textContent.trim().replace(/:$/, "");
    const field = select.nextElementSibling?.querySelector(".select2-search__field");
    field?.setAttribute("aria-label", `Search: ${name}`);
    // While nothing is chosen, the box itself has no words either.
    const box = select.nextElementSibling?.querySelector(".select2-selection--single");
    const shown = box?.querySelector(".select2-selection__rendered");
    if (!shown) continue;
    shown.setAttribute("aria-label", [name, shown.textContent.replace("×", "").trim()].filter(Boolean).join(": "));
  }
  const opened = document.querySelector(".select2-container--open .select2-search--dropdown .select2-search__field");
  opened?.setAttribute("aria-label", gettext("Search"));
}

// A part of the page that changes by itself is fetched again, unless somebody is at it.
function keepFresh() {
  const region = document.querySelector("[data-refresh]");
  if (!region) return;
  const isInUse = () => document.hidden || region.querySelector("details[open], input:focus, .scrolled:focus");
  setInterval(async () => {
    if (isInUse()) return;
    const answer = await fetch(location.href, { headers: { "X-Quiet": "1" } }).catch(() => null);
    if (!answer?.ok || answer.redirected || isInUse()) return;
    const focused = region.contains(document.activeElement) && focusables(region).indexOf(document.activeElement);
    region.innerHTML = await answer.text();
    showTimes(region);
    if (focused !== false) focusables(region)[focused]?.focus({ preventScroll: true });
  }, Number(region.dataset.refresh) * 1000);
}

const focusables = (region) => [...region.querySelectorAll("a, button, summary, input:not([type=hidden])")];

function showTimes(root) {
  localiseWrittenTimes(root);
  showLocalTimes(root);
}

document.addEventListener("click", closeSheets);
document.addEventListener("keydown", closeSheets);
showTimes(document.body);
keepFresh();
tellWhatIsCut();
makeTabs();
makeMenu();
makeChooseAll();
window.django?.jQuery?.(nameSearchFields);
window.django?.jQuery?.(document).on("select2:open select2:select select2:clear", nameSearchFields);
