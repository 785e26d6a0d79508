// What the existing single-page app imports from generated types, by name, and how it uses them. It compiles, or the
// document has changed for that app: `make types`.

import type { components, operations, paths } from "./api";

type Schemas = components["schemas"];
type Is<Ours, Wanted> = [Ours] extends [Wanted] ? true : false;
type Answer<O extends keyof operations> = operations[O] extends {
  responses: { 200: { content: { "application/json": infer Content } } };
}
  ? Content
  : never;
type Body<O extends keyof operations> = operations[O] extends {
  requestBody?: { content: { "application/json": infer Content } };
}
  ? Content
  : never;

// Takes only `true`, so that anything else is an error of the compiler, in its own line.
export type Assert<Holds extends true> = Holds;

type Status = "idle" | "uploaded" | "recording" | "processing" | "error" | "ended";
type Kind = "room" | "live" | "file";
type Trigger = "none" | "prompt" | "automatic" | "automatic-2nd-participant";

interface Minimal {
  id: string;
  user_id: string | null;
  name: string;
  status: Status;
  locked: boolean;
  duration: number;
  title: string | null;
  short_summary: string | null;
  long_summary: string | null;
  created_at: string;
  share_mode: string;
  source_language: string | null;
  target_language: string | null;
  reviewed: boolean;
  meeting_id: string | null;
  source_kind: Kind;
  room_id?: string | null;
  room_name?: string | null;
  audio_deleted?: boolean | null;
  change_seq?: number | null;
  has_cloud_video: boolean;
  cloud_video_duration?: number | null;
}

interface Room {
  id: string;
  name: string;
  user_id: string;
  created_at: string;
  zulip_auto_post: boolean;
  zulip_stream: string;
  zulip_topic: string;
  is_locked: boolean;
  room_mode: string;
  recording_type: string;
  recording_trigger: string;
  is_shared: boolean;
  ics_url?: string | null;
  ics_fetch_interval: number;
  ics_enabled: boolean;
  ics_last_sync?: string | null;
  ics_last_etag?: string | null;
  platform: string;
  skip_consent: boolean;
  email_transcript_to?: string | null;
  store_video: boolean;
}

interface Details extends Room {
  webhook_url: string | null;
  webhook_secret: string | null;
}

interface Meeting {
  id: string;
  room_name: string;
  room_url: string;
  host_room_url: string;
  start_date: string;
  end_date: string;
  user_id?: string | null;
  room_id?: string | null;
  is_locked: boolean;
  room_mode: "normal" | "group";
  recording_type: "none" | "local" | "cloud";
  recording_trigger: Trigger;
  num_clients: number;
  is_active: boolean;
  calendar_event_id?: string | null;
  calendar_metadata?: { [key: string]: unknown } | null;
  platform: string;
  store_video: boolean;
}

interface Said {
  text: string;
  start: number;
  speaker: number;
}

interface Topic {
  id: string;
  title: string;
  summary: string;
  timestamp: number;
  duration: number | null;
  transcript: string;
  segments: Said[];
}

interface Word extends Said {
  end: number;
}

interface Participant {
  id: string;
  speaker: number | null;
  name: string;
}

interface WithParticipants extends Minimal {
  participants: (Participant & { user_id?: string | null; email?: string | null })[] | null;
}

// What is answered can be used as the app uses it.
export type Answers = [
  Assert<Is<Schemas["SourceKind"], Kind>>,
  Assert<Is<Schemas["GetTranscriptMinimal"], Minimal>>,
  Assert<Is<Schemas["GetTranscriptWithParticipants"], WithParticipants>>,
  Assert<Is<Schemas["Page_GetTranscriptMinimal_"]["items"], Minimal[]>>,
  Assert<Is<Schemas["GetTranscriptTopic"], Topic>>,
  Assert<Is<Schemas["GetTranscriptSegmentTopic"], Said>>,
  Assert<
    Is<Schemas["GetTranscriptTopicWithWordsPerSpeaker"], Topic & { words_per_speaker: { speaker: number; words: Word[] }[] }>
  >,
  Assert<Is<Schemas["AudioWaveform"], { data: number[] }>>,
  Assert<Is<Schemas["Participant"], Participant>>,
  Assert<Is<Schemas["Meeting"], Meeting>>,
  Assert<Is<Schemas["Room"], Room>>,
  Assert<Is<Schemas["RoomDetails"], Details>>,
  Assert<Is<Schemas["Page_RoomDetails_"], { items: Details[]; total: number; page: number; size: number; pages: number }>>,
  Assert<Is<Schemas["ValidationError"], { loc: (string | number)[]; msg: string; type: string }>>,
  Assert<Is<Schemas["RtcOffer"], { sdp: string; type: string }>>,
  Assert<Is<Schemas["SearchResult"]["search_snippets"], string[]>>,
  Assert<Is<Schemas["SearchResult"]["status"], Status>>,
  Assert<Is<Schemas["CalendarEventResponse"]["attendees"], { [key: string]: unknown }[] | null>>,
  Assert<Is<Answer<"v1_rooms_join_meeting">, Meeting>>,
  Assert<Is<Answer<"v1_rooms_list_active_meetings">, Meeting[]>>,
  Assert<Is<Answer<"v1_transcript_get_participants">, Participant[]>>,
  Assert<Is<Answer<"v1_user_me">, { sub: string; email: string | null } | null>>,
  Assert<Is<Answer<"v1_login">, { access_token: string; token_type: string; expires_in: number }>>,
  Assert<Is<Answer<"v1_get_config">, { zulip_enabled: boolean; email_enabled: boolean }>>,
  Assert<Is<keyof paths & "/v1/transcripts/{transcript_id}/record/webrtc", "/v1/transcripts/{transcript_id}/record/webrtc">>,
];

// A transcript is told from its other formats by `transcript_format`.
type Got = Answer<"v1_transcript_get">;
export type Formats = [
  Assert<Is<Extract<Got, { transcript_format: "text" }>["transcript"], string>>,
  Assert<Is<Extract<Got, { transcript_format: "webvtt-named" }>["transcript"], string>>,
  Assert<Is<Extract<Got, { transcript_format: "json" }>["transcript"], (Said & { speaker_name: string; end: number })[]>>,
  Assert<Is<Got, WithParticipants>>,
];

// What the app sends is taken.
interface NewRoom {
  name: string;
  zulip_auto_post: boolean;
  zulip_stream: string;
  zulip_topic: string;
  is_locked: boolean;
  room_mode: "normal";
  recording_type: "cloud";
  recording_trigger: Trigger;
  is_shared: boolean;
  webhook_url: string;
  webhook_secret: string;
  platform: "whereby" | "daily";
}

export type Bodies = [
  Assert<Is<NewRoom, Body<"v1_rooms_create">>>,
  Assert<Is<{ [Name in keyof NewRoom]?: NewRoom[Name] | null }, Body<"v1_rooms_update">>>,
  Assert<Is<{ title: string }, Schemas["UpdateTranscript"]>>,
  Assert<Is<{ name: null; locked: null; reviewed: null; share_mode: null }, Schemas["UpdateTranscript"]>>,
  Assert<Is<{ name: string; source_language: string; target_language: string; source_kind: "file" }, Schemas["CreateTranscript"]>>,
  Assert<Is<{ type: "raw-tracks"; instanceId: string }, Body<"v1_start_recording">>>,
  Assert<Is<{ consent_given: boolean }, Body<"v1_meeting_audio_consent">>>,
  Assert<Is<{ allow_duplicated: boolean }, Body<"v1_rooms_create_meeting">>>,
  Assert<Is<{ name: string | null }, Body<"v1_create_api_key">>>,
  Assert<Is<{ name: string; speaker?: number | null }, Body<"v1_transcript_add_participant">>>,
  Assert<Is<{ speaker: number; timestamp_from: number; timestamp_to: number }, Body<"v1_transcript_assign_speaker">>>,
];
