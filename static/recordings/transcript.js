// The page of a transcript: waits for it, shows and plays it, and sets up what its owner may change.

import { follow } from "../live.js";
import { byId } from "./attempt.js";
import { Finder } from "./find.js";
import { addMenus, setUpLines } from "./lines.js";
import { setUpDeleting, setUpRenaming, setUpRestoring, setUpSharing } from "./owner.js";
import { Parts, passOver } from "./parts.js";
import { setUpPlayer } from "./player.js";
import { freshPage } from "./polling.js";
import { setUpAssigning, setUpNaming } from "./voices.js";

const SECONDS = 3;

let reading = null; // what the page's present text and player are

function setUp() {
  reading = byId("turns") ? setUpReading() : null;
  if (byId("more")) byId("more").hidden = false;
  if (byId("rename")) setUpRenaming();
  if (byId("share")) setUpSharing();
  if (byId("voice-dialog")) setUpNaming(refresh);
  if (byId("delete")) setUpDeleting();
  if (byId("restore")) setUpRestoring();
}

function setUpReading() {
  const parts = new Parts(byId("turns"), location.pathname, (part) => {
    addMenus(part);
    finder.mark(part);
    player?.showCurrent();
  });
  const finder = new Finder(byId("find"), parts, location.pathname);
  const player = setUpPlayer(parts);
  const assign = byId("assign-dialog") ? setUpAssigning(refresh) : null;
  setUpLines(parts, assign);
  const found = { parts, player };
  goToHash(found);
  return found;
}

// After a change of who said what: the voices, and the lines that are there, from the server. The reader stays.
async function refresh() {
  const fresh = await freshPage();
  byId("voices-section").replaceWith(document.adoptNode(fresh.getElementById("voices-section")));
  await Promise.all(reading.parts.all.map((part) => reading.parts.reload(part)));
}

// #t=12.3 is a time, #line-7 a line.
async function goToHash({ parts, player }) {
  const time = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  const number = /^#line-(\d+)$/.exec(location.hash);
  if (time && player) player.seek(Number(time[1]));
  if (!number) return;
  const line = await parts.line(Number(number[1])).catch(passOver);
  if (!line) return;
  player?.seek(Number(line.dataset.start));
  line.scrollIntoView({ block: "center" });
}

function waitUntilReady() {
  const isReady = () => byId("transcript").dataset.state === "ready";
  if (isReady()) return;
  const look = async () => {
    const fresh = (await freshPage()).getElementById("transcript");
    const old = byId("transcript");
    if (fresh && fresh.dataset.state !== old.dataset.state) {
      old.replaceWith(document.adoptNode(fresh));
      setUp();
      if (isReady()) document.querySelectorAll("main > .notice").forEach((told) => told.remove()); // of before
    }
    return isReady();
  };
  follow(look, SECONDS);
}

if (byId("trash")) {
  setUpRestoring();
} else {
  setUp();
  waitUntilReady();
  window.addEventListener("hashchange", () => reading && goToHash(reading));
}
