// What the client sends, and what it makes of answers: node --test.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { ApiError, RoomsClient } from "../dist/index.js";

let server, client;
const asked = [];

before(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    asked.push({ method: request.method, url: request.url, headers: request.headers, body });
    const [status, headers, answer] = answers(request);
    response.writeHead(status, headers).end(answer);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new RoomsClient(`http://127.0.0.1:${server.address().port}/`);
});
after(() => server.close());

function answers({ url }) {
  const json = { "Content-Type": "application/json" };
  if (url.endsWith("/audio/mp3")) return [200, { "Content-Type": "audio/mpeg" }, "sound"];
  if (url.includes("gone")) return [404, json, '{"detail": "Room not found", "code": "room_not_found"}'];
  if (url.endsWith("/meeting")) return [503, { ...json, "Retry-After": "2" }, '{"detail": "Wait", "code": "busy"}'];
  if (url.endsWith("/config")) return [502, { "Content-Type": "text/html" }, "<h1>Bad gateway</h1>"];
  return [200, json, '{"items": []}'];
}

test("parameters, body and credentials are sent", async () => {
  client.credentials = { token: "t" };
  await client.get("/v1/transcripts/search", { query: { q: "a & b", room_id: undefined } });
  assert.deepEqual([asked.at(-1).method, asked.at(-1).url], ["GET", "/v1/transcripts/search?q=a+%26+b"]);
  assert.equal(asked.at(-1).headers.authorization, "Bearer t");
  client.credentials = { apiKey: "k" };
  await client.patch("/v1/rooms/{room_id}", { path: { room_id: "a/b" }, body: { is_locked: true } });
  assert.deepEqual([asked.at(-1).method, asked.at(-1).url], ["PATCH", "/v1/rooms/a%2Fb"]);
  assert.equal(asked.at(-1).body, '{"is_locked":true}');
  assert.equal(asked.at(-1).headers["x-api-key"], "k");
  assert.equal(asked.at(-1).headers.authorization, undefined);
});

test("an answer is its JSON, or itself", async () => {
  assert.deepEqual(await client.get("/v1/rooms"), { items: [] });
  const audio = await client.get("/v1/transcripts/{transcript_id}/audio/mp3", { path: { transcript_id: "t" } });
  assert.equal(await audio.text(), "sound");
});

test("a refusal is an error with its code", async () => {
  const gone = client.get("/v1/rooms/name/{room_name}", { path: { room_name: "gone" } });
  await assert.rejects(gone, (error) => error instanceof ApiError && error.status === 404 && error.code === "room_not_found");
  const busy = client.post("/v1/rooms/{room_name}/meeting", { path: { room_name: "r" }, body: {} });
  await assert.rejects(busy, { status: 503, retryAfter: 2, message: "Wait" });
  await assert.rejects(client.get("/v1/config"), { status: 502, code: "", retryAfter: undefined });
});

test("a file is sent as a form", async () => {
  const body = new FormData();
  body.set("chunk", new Blob(["sound"]), "a.mp3");
  const query = { chunk_number: 0, total_chunks: 1 };
  await client.post("/v1/transcripts/{transcript_id}/record/upload", { path: { transcript_id: "t" }, query, body });
  assert.match(asked.at(-1).headers["content-type"], /^multipart\/form-data; boundary=/);
  assert.match(asked.at(-1).body, /sound/);
});
