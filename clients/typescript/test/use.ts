// How the client is used: it compiles, and what is marked as an error is one.

import { ApiError, RoomsClient } from "../dist/index.js";

export async function meet(address: string): Promise<string> {
  const client = new RoomsClient(address);
  const { access_token } = await client.post("/v1/auth/login", { body: { email: "ada@example.com", password: "x" } });
  client.credentials = { token: access_token };
  const { items, total } = await client.get("/v1/rooms", { query: { page: 1, size: 100 } });
  const count: number = total;
  const room = items[0] ?? (await client.post("/v1/rooms", { body: { name: `room-${count}` } }));
  const { id } = await client.post("/v1/rooms/{room_name}/meeting", { path: { room_name: room.name }, body: {} });
  const joined = await client.post("/v1/rooms/{room_name}/meetings/{meeting_id}/join", {
    path: { room_name: room.name, meeting_id: id },
  });
  const audio: Response = await client.get("/v1/transcripts/{transcript_id}/audio/mp3", { path: { transcript_id: id } });
  await client.post("/v1/transcripts/{transcript_id}/record/upload", {
    path: { transcript_id: id },
    query: { chunk_number: 0, total_chunks: 1 },
    body: new FormData(),
  });
  return audio.ok ? joined.room_url : "";
}

export async function wrong(client: RoomsClient): Promise<void> {
  // @ts-expect-error: there is no such path
  await client.get("/v1/nothing");
  // @ts-expect-error: it is not deleted
  await client.delete("/v1/rooms");
  // @ts-expect-error: which room is not said
  await client.get("/v1/rooms/{room_id}");
  // @ts-expect-error: a room needs a name
  await client.post("/v1/rooms", { body: {} });
  // @ts-expect-error: it is no number
  await client.get("/v1/rooms", { query: { page: "one" } });
}

export const isGone = (error: unknown): boolean => error instanceof ApiError && error.code === "room_not_found";
