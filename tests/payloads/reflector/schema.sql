-- The tables of Reflector 0.45 that are read, with the types that they have there.
CREATE TYPE sourcekind AS ENUM ('room', 'live', 'file');

CREATE TABLE "user" (
    id varchar PRIMARY KEY,
    email varchar NOT NULL,
    authentik_uid varchar NOT NULL,
    password_hash varchar,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE room (
    id varchar PRIMARY KEY,
    name varchar NOT NULL UNIQUE,
    user_id varchar NOT NULL,
    created_at timestamptz NOT NULL,
    zulip_auto_post boolean NOT NULL DEFAULT false,
    zulip_stream varchar,
    zulip_topic varchar,
    is_locked boolean NOT NULL DEFAULT false,
    room_mode varchar NOT NULL DEFAULT 'normal',
    recording_type varchar NOT NULL DEFAULT 'cloud',
    recording_trigger varchar NOT NULL DEFAULT 'automatic-2nd-participant',
    is_shared boolean NOT NULL DEFAULT false,
    webhook_url varchar,
    webhook_secret varchar,
    ics_url text,
    ics_fetch_interval integer DEFAULT 300,
    ics_enabled boolean NOT NULL DEFAULT false,
    ics_last_sync timestamptz,
    ics_last_etag text,
    platform varchar NOT NULL,
    skip_consent boolean NOT NULL DEFAULT false,
    email_transcript_to varchar,
    store_video boolean NOT NULL DEFAULT false
);

CREATE TABLE meeting (
    id varchar PRIMARY KEY,
    room_name varchar,
    room_url varchar,
    host_room_url varchar,
    start_date timestamptz,
    end_date timestamptz,
    room_id varchar REFERENCES room (id) ON DELETE CASCADE,
    is_locked boolean NOT NULL DEFAULT false,
    room_mode varchar NOT NULL DEFAULT 'normal',
    recording_type varchar NOT NULL DEFAULT 'cloud',
    recording_trigger varchar NOT NULL DEFAULT 'automatic-2nd-participant',
    num_clients integer NOT NULL DEFAULT 0,
    is_active boolean NOT NULL DEFAULT true,
    calendar_event_id varchar,
    calendar_metadata jsonb,
    platform varchar NOT NULL DEFAULT 'whereby',
    daily_composed_video_s3_key varchar,
    daily_composed_video_duration integer,
    email_recipients jsonb,
    store_video boolean NOT NULL DEFAULT false
);

CREATE TABLE meeting_consent (
    id varchar PRIMARY KEY,
    meeting_id varchar NOT NULL REFERENCES meeting (id) ON DELETE CASCADE,
    user_id varchar,
    consent_given boolean NOT NULL,
    consent_timestamp timestamptz NOT NULL
);

CREATE TABLE daily_participant_session (
    id varchar PRIMARY KEY,
    meeting_id varchar NOT NULL REFERENCES meeting (id) ON DELETE CASCADE,
    room_id varchar NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    session_id varchar NOT NULL,
    user_id varchar,
    user_name varchar NOT NULL,
    joined_at timestamptz NOT NULL,
    left_at timestamptz
);

CREATE TABLE recording (
    id varchar PRIMARY KEY,
    bucket_name varchar NOT NULL,
    object_key varchar NOT NULL,
    recorded_at timestamptz NOT NULL,
    status varchar NOT NULL DEFAULT 'pending',
    meeting_id varchar,
    track_keys json,
    deleted_at timestamptz
);

CREATE TABLE transcript (
    id varchar PRIMARY KEY,
    name varchar,
    status varchar,
    locked boolean,
    duration double precision,
    created_at timestamptz,
    title varchar,
    short_summary varchar,
    long_summary varchar,
    action_items json,
    topics json,
    events json,
    participants json,
    source_language varchar,
    target_language varchar,
    reviewed boolean NOT NULL DEFAULT false,
    audio_location varchar NOT NULL DEFAULT 'local',
    user_id varchar,
    share_mode varchar NOT NULL DEFAULT 'private',
    meeting_id varchar,
    recording_id varchar,
    zulip_message_id integer,
    source_kind sourcekind NOT NULL,
    audio_deleted boolean,
    room_id varchar,
    webvtt text,
    workflow_run_id varchar,
    deleted_at timestamptz,
    change_seq bigint
);
