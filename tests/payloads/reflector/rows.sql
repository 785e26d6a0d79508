-- Rows as they are found after some years. The last digits of ids tell them apart.
INSERT INTO "user" (id, email, authentik_uid, created_at, updated_at) VALUES
    ('user-ada', 'Ada@Example.com', 'uid-ada', '2025-01-01Z', '2025-01-01Z'),
    ('user-ben', 'ben@example.com', 'uid-ben', '2025-01-01Z', '2025-01-01Z'),
    ('user-odd', 'no address', 'uid-odd', '2025-01-01Z', '2025-01-01Z');

INSERT INTO room (id, name, user_id, created_at, platform, is_shared, is_locked, room_mode, recording_type,
                  recording_trigger, webhook_url, webhook_secret, ics_url, ics_fetch_interval, ics_enabled,
                  skip_consent, email_transcript_to, store_video) VALUES
    ('10000000-0000-4000-8000-000000000001', 'weekly', 'user-ada', '2025-02-01T08:00Z', 'daily', true, true, 'group',
     'cloud', 'automatic', 'https://hooks.example.com/weekly-hook', 'weekly-hook-secret',
     'https://calendar.example.com/weekly-secret.ics', 600, true, true, NULL, true),
    -- Differs from the one above by case only.
    ('10000000-0000-4000-8000-000000000002', 'Weekly', 'user-ben', '2025-02-02T08:00Z', 'whereby', false, false,
     'normal', 'none', 'none', '', '', NULL, 300, false, false, NULL, false),
    -- No name for an address; its webhook is of this network, its calendar no address at all.
    ('10000000-0000-4000-8000-000000000003', 'Ben''s Büro', 'user-ben', '2025-02-03T08:00Z', 'whereby', false, false,
     'normal', 'cloud', 'prompt', 'http://10.0.0.7/inner-hook', 'inner-secret', 'webcal-secret', NULL, true, false,
     'many people', false),
    -- The product's own address, a platform that nobody knows.
    ('10000000-0000-4000-8000-000000000004', 'search', 'user-ada', '2025-02-04T08:00Z', 'smoke-signals', false, false,
     'normal', 'cloud', 'automatic-2nd-participant', NULL, NULL, NULL, 300, false, false, NULL, false),
    -- Taken here.
    ('10000000-0000-4000-8000-000000000005', 'standup', 'user-ada', '2025-02-05T08:00Z', 'whereby', false, false,
     'normal', 'cloud', 'automatic-2nd-participant', NULL, NULL, NULL, 300, false, false, NULL, false),
    -- Of people who are gone, or have no address.
    ('10000000-0000-4000-8000-000000000006', 'orphan', 'user-gone', '2025-02-06T08:00Z', 'whereby', false, false,
     'normal', 'cloud', 'automatic-2nd-participant', NULL, NULL, NULL, 300, false, false, NULL, false),
    ('10000000-0000-4000-8000-000000000007', 'odd', 'user-odd', '2025-02-07T08:00Z', 'whereby', false, false,
     'normal', 'cloud', 'automatic-2nd-participant', NULL, NULL, NULL, 300, false, false, NULL, false);

INSERT INTO meeting (id, room_name, room_url, host_room_url, start_date, end_date, room_id, is_active, num_clients,
                     platform, room_mode, store_video, calendar_metadata) VALUES
    ('daily-meeting-1', 'weekly-20250301', 'https://example.daily.co/weekly-20250301', '', '2025-03-01T09:00Z',
     '2025-03-01T17:00Z', '10000000-0000-4000-8000-000000000001', false, 0, 'daily', 'group', true,
     '{"title": "Weekly"}'),
    ('71234567', '/weekly-whereby', 'https://example.whereby.com/weekly', 'https://example.whereby.com/weekly?roomKey=host-key',
     '2025-03-02T09:00Z', '2025-03-02T17:00Z', '10000000-0000-4000-8000-000000000002', true, 3, 'whereby', 'normal',
     false, NULL),
    -- Its room was deleted before rooms took their meetings along.
    ('71234568', '/roomless', 'https://example.whereby.com/roomless', '', '2025-03-03T09:00Z', '2025-03-03T17:00Z', NULL,
     false, 0, 'whereby', 'normal', false, NULL),
    ('71234569', '/running', 'https://example.whereby.com/running', '', now(), now() + interval '8 hours',
     '10000000-0000-4000-8000-000000000002', true, 1, 'whereby', 'normal', false, NULL),
    ('71234570', '/orphan', 'https://example.whereby.com/orphan', '', '2025-03-04T09:00Z', '2025-03-04T17:00Z',
     '10000000-0000-4000-8000-000000000006', false, 0, 'whereby', 'normal', false, NULL),
    ('71234571', '/smoke', 'https://example.com/smoke', '', '2025-03-05T09:00Z', '2025-03-05T17:00Z',
     '10000000-0000-4000-8000-000000000004', false, 0, 'smoke-signals', 'normal', false, NULL),
    ('71234572', '/timeless', '', '', NULL, NULL, '10000000-0000-4000-8000-000000000004', false, 0, 'whereby', 'normal',
     false, NULL);

INSERT INTO meeting_consent VALUES
    ('20000000-0000-4000-8000-000000000001', 'daily-meeting-1', 'user-ada', false, '2025-03-01T09:00Z'),
    ('20000000-0000-4000-8000-000000000002', 'daily-meeting-1', 'user-ada', true, '2025-03-01T09:05Z'),
    ('20000000-0000-4000-8000-000000000003', 'daily-meeting-1', NULL, true, '2025-03-01T09:06Z'),
    ('20000000-0000-4000-8000-000000000004', '71234567', NULL, false, '2025-03-02T09:06Z'),
    ('20000000-0000-4000-8000-000000000005', '71234567', 'user-unknown', true, '2025-03-02T09:07Z');

INSERT INTO daily_participant_session VALUES
    ('a', 'daily-meeting-1', '10000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000001', 'user-ada',
     'Ada', '2025-03-01T09:00Z', '2025-03-01T09:40Z'),
    ('b', 'daily-meeting-1', '10000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000002', 'stranger',
     'Grace', '2025-03-01T09:01Z', '2025-03-01T09:42Z'),
    ('c', 'daily-meeting-1', '10000000-0000-4000-8000-000000000001', '30000000-0000-4000-8000-000000000001', 'user-ada',
     'Ada', '2025-03-01T09:41Z', '2025-03-01T09:41:30Z');

INSERT INTO recording VALUES
    ('40000000-0000-4000-8000-000000000001', 'daily-bucket', 'example/weekly-20250301', '2025-03-01T09:02Z', 'pending',
     'daily-meeting-1',
     '["example/weekly-20250301/1740819720000-30000000-0000-4000-8000-000000000001-cam-audio-1740819721000", "odd-key"]',
     NULL),
    ('40000000-0000-4000-8000-000000000002', 'whereby-bucket', 'weekly.mp4', '2025-03-02T09:02Z', 'completed', '71234567',
     NULL, NULL),
    ('40000000-0000-4000-8000-000000000003', 'whereby-bucket', 'trash.mp4', '2025-03-02T10:02Z', 'completed', '71234567',
     NULL, '2025-04-01Z'),
    ('40000000-0000-4000-8000-000000000004', 'whereby-bucket', 'meetingless.mp4', '2025-03-03T09:02Z', 'failed', NULL,
     NULL, NULL),
    ('40000000-0000-4000-8000-000000000005', 'daily-bucket', 'example/silent', '2025-03-03T09:03Z', 'pending',
     'no-such-meeting', '[]', NULL),
    ('40000000-0000-4000-8000-000000000006', 'whereby-bucket', 'running.mp4', '2025-03-03T09:04Z', 'pending', '71234569',
     NULL, NULL),
    -- Reported here by the bucket meanwhile.
    ('40000000-0000-4000-8000-000000000007', 'whereby-bucket', 'both.mp4', '2025-03-03T09:05Z', 'completed', '71234568',
     NULL, NULL);

INSERT INTO transcript (id, name, status, locked, duration, created_at, title, short_summary, long_summary, action_items,
                        topics, events, participants, source_language, target_language, reviewed, user_id, share_mode,
                        meeting_id, recording_id, source_kind, audio_deleted, room_id, deleted_at) VALUES
    ('50000000-0000-4000-8000-000000000001', 'weekly', 'ended', true, 63.5, '2025-03-01T09:45Z', 'The budget', 'In short',
     'At length',
     '{"decisions": [{"decision": "Hire", "decided_by": "Ada", "context": "Growth"}], "next_steps": [{"task": "Write it"}, "odd"]}',
     '[{"id": "t1", "title": "Money", "summary": "What there is", "timestamp": 0.0, "duration": 62.0, "words": [
         {"text": " Good", "start": 0.0, "end": 0.4, "speaker": 0}, {"text": " morning.", "start": 0.4, "end": 1.0, "speaker": 0},
         {"text": " The", "start": 1.5, "end": 1.7, "speaker": 1}, {"text": " bud\u0000get!", "start": 1.7, "end": 2.2, "speaker": 1},
         {"text": " Later.", "start": 61.0, "end": 62.0, "speaker": 1}]},
       {"id": "t2", "title": "The end", "summary": "", "timestamp": 66.0, "words": [
         {"text": "Good", "start": 66.0, "end": 66.4, "speaker": null}, {"text": "bye.", "start": null, "end": null, "speaker": -1}]}]',
     '[{"event": "STATUS", "data": {}}]',
     '[{"id": "p1", "speaker": 0, "name": "Ada", "user_id": "user-ada"}, {"id": "p2", "speaker": 1, "name": "Grace"},
       {"id": "p2", "speaker": 1, "name": "Heidi"}, {"id": "p3", "speaker": null, "name": "Ivan"}, {"name": ""}, 7]',
     'en', 'en', true, 'user-ada', 'semi-private', 'daily-meeting-1', '40000000-0000-4000-8000-000000000001', 'room',
     false, '10000000-0000-4000-8000-000000000001', NULL),
    -- Its audio was refused, and is gone.
    ('50000000-0000-4000-8000-000000000002', 'Weekly', 'ended', false, 10, '2025-03-02T09:45Z', NULL, NULL, NULL, NULL,
     '[{"id": "t1", "title": "", "summary": "", "timestamp": 3, "duration": 4, "transcript": "Only as a text.", "words": []}]',
     NULL, NULL, NULL, NULL, false, 'user-ben', 'private', '71234567', '40000000-0000-4000-8000-000000000002', 'room', true,
     '10000000-0000-4000-8000-000000000002', NULL),
    ('50000000-0000-4000-8000-000000000003', 'stuck', 'processing', false, 0, '2025-03-03T09:45Z', NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, 'en', 'en', false, 'user-ben', 'public', NULL, NULL, 'file', NULL, NULL, NULL),
    ('50000000-0000-4000-8000-000000000004', 'broken', 'error', false, 'NaN', '2025-03-03T09:46Z', NULL, NULL, NULL, NULL,
     '{"not": "a list"}', NULL, '{}', 'en', 'en', false, 'user-ben', 'sideways', NULL, NULL, 'file', NULL, NULL, NULL),
    ('50000000-0000-4000-8000-000000000005', 'under way', 'recording', false, 0, now(), NULL, NULL, NULL, NULL, '[]', '[]',
     '[]', 'en', 'en', false, 'user-ben', 'private', NULL, NULL, 'live', NULL, NULL, NULL),
    ('50000000-0000-4000-8000-000000000006', 'deleted', 'ended', false, 5, '2025-03-03T09:47Z', NULL, NULL, NULL, NULL, '[]',
     '[]', '[]', 'en', 'en', false, 'user-ben', 'public', NULL, '40000000-0000-4000-8000-000000000003', 'room', NULL, NULL,
     '2025-04-01Z'),
    ('50000000-0000-4000-8000-000000000007', 'everybody''s', 'ended', NULL, 2, '2025-03-03T09:48Z', NULL, NULL, NULL, NULL,
     '[{"title": "Hello", "timestamp": 0, "words": [{"text": "Hello ", "start": 0, "end": 1, "speaker": 0},
       {"text": "there. ", "start": 1, "end": 2, "speaker": 0}]}]',
     '[]', '[]', 'en', 'en', false, NULL, 'private', NULL, NULL, 'live', NULL, NULL, NULL),
    -- Somebody's who is gone: not everybody's.
    ('50000000-0000-4000-8000-000000000008', 'orphan', 'ended', false, 2, '2025-03-03T09:49Z', NULL, NULL, NULL, NULL, '[]',
     '[]', '[]', 'en', 'en', false, 'user-gone', 'private', NULL, NULL, 'file', NULL, NULL, NULL),
    ('50000000-0000-4000-8000-000000000009', 'empty', 'idle', false, 0, '2025-03-03T09:50Z', NULL, NULL, NULL, NULL, '[]',
     '[]', '[]', 'en', 'en', false, 'user-ada', 'private', NULL, NULL, 'file', NULL, NULL, NULL),
    -- The second one of a recording.
    ('50000000-0000-4000-8000-000000000010', 'again', 'ended', false, 2, '2025-03-03T09:51Z', NULL, NULL, NULL, NULL,
     '[{"title": "x", "timestamp": 0, "words": [{"text": "会议", "start": 0, "end": 1, "speaker": 2},
       {"text": "讨论", "start": 1, "end": 2, "speaker": 2}]}]',
     '[]', '[]', 'zh', 'en', false, 'user-ada', 'private', NULL, '40000000-0000-4000-8000-000000000001', 'room', NULL, NULL,
     NULL);
