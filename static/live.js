// Pages that show what changes by itself are told by the server when to look. Where that cannot be had they look by the
// clock, as often as `follow` is asked to; the same goes for what the server does not tell of, [data-waits].

import { poll } from "./site.js";

const AT_REST = 60; // seconds between two looks while the server tells
const SILENCE = 50_000; // milliseconds after which the connection counts as lost: it says something every 20 seconds
const FIRST_PAUSE = 1000; // milliseconds until the next try, then twice as many each time
const LONGEST_PAUSE = 30_000;

// Calls `look` until it gives true or the returned function is called. `path` is of the page whose changes are told.
export function follow(look, seconds, path = location.pathname + location.search) {
  const address = `${location.origin.replace(/^http/, "ws")}/events${path}`;
  let socket;
  let timer; // of the silence, or of the next try
  let failures = 0;
  let isTold = false;

  const connect = () => {
    socket = new WebSocket(address);
    socket.onmessage = hear;
    socket.onclose = lose;
    expectMore();
  };
  const expectMore = () => {
    clearTimeout(timer);
    timer = setTimeout(lose, SILENCE);
  };
  // The first message says that from then on all is told: what happened before is looked for.
  const hear = ({ data }) => {
    const isNews = !isTold || JSON.parse(data).event === "CHANGED";
    isTold = true;
    failures = 0;
    expectMore();
    if (isNews) polling.now();
  };
  const lose = () => {
    drop();
    if (isTold) {
      isTold = false;
      polling.later();
    }
    // Those who lose it together, as when the server is restarted, do not all come back at once.
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures) * (0.5 + Math.random());
    failures += 1;
    timer = setTimeout(connect, pause);
  };
  const drop = () => {
    clearTimeout(timer);
    socket.onmessage = socket.onclose = null;
    socket.close();
  };
  const isAtRest = () => isTold && !document.querySelector("[data-waits]");
  const polling = poll(
    async () => {
      const isOver = (await look()) === true;
      if (isOver) drop();
      return isOver;
    },
    () => (isAtRest() ? AT_REST : seconds),
  );
  connect();
  return () => {
    polling.stop();
    drop();
  };
}
