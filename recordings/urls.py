from django.urls import path

from recordings.api import consent_views, email_views, recording_start_views, recording_views, results
from recordings.api.transcripts import archive, media, participants, search, sending, topics, uploading, views
from recordings.live import views as live

TRANSCRIPT = "v1/transcripts/<str:transcript_id>"

urlpatterns = [
    path("v1/meetings/<str:meeting_id>/consent", consent_views.AnswerConsent.as_view()),
    path("v1/meetings/<str:meeting_id>/email-recipient", email_views.AddEmailRecipient.as_view()),
    path("v1/meetings/<str:meeting_id>/recordings/start", recording_start_views.StartRecording.as_view()),
    path("v1/events", live.FollowOwn.as_view()),
    path("v1/transcripts", views.TranscriptList.as_view()),
    path("v1/transcripts/search", search.SearchTranscripts.as_view()),
    path(TRANSCRIPT, views.TranscriptDetail.as_view()),
    path(f"{TRANSCRIPT}/events", live.FollowTranscript.as_view()),
    path(f"{TRANSCRIPT}/restore", views.RestoreTranscript.as_view()),
    path(f"{TRANSCRIPT}/destroy", views.DestroyTranscript.as_view()),
    path(f"{TRANSCRIPT}/audio/mp3", media.Audio.as_view()),
    path(f"{TRANSCRIPT}/audio/waveform", media.AudioWaveform.as_view()),
    path(f"{TRANSCRIPT}/video/url", media.VideoUrl.as_view()),
    path(f"{TRANSCRIPT}/download/zip", archive.DownloadZip.as_view()),
    path(f"{TRANSCRIPT}/record/upload", uploading.UploadChunk.as_view()),
    path(f"{TRANSCRIPT}/record/webrtc", uploading.RecordFromBrowser.as_view()),
    path(f"{TRANSCRIPT}/process", uploading.ProcessAgain.as_view()),
    path(f"{TRANSCRIPT}/email", sending.SendByEmail.as_view()),
    path(f"{TRANSCRIPT}/zulip", sending.PostToZulip.as_view()),
    path(f"{TRANSCRIPT}/topics", topics.TopicList.as_view()),
    path(f"{TRANSCRIPT}/topics/with-words", topics.TopicsWithWords.as_view()),
    path(f"{TRANSCRIPT}/topics/<str:topic_id>/words-per-speaker", topics.TopicByTurns.as_view()),
    path(f"{TRANSCRIPT}/participants", participants.ParticipantList.as_view()),
    path(f"{TRANSCRIPT}/participants/<str:participant_id>", participants.ParticipantDetail.as_view()),
    path(f"{TRANSCRIPT}/speaker/assign", participants.AssignSpeaker.as_view()),
    path(f"{TRANSCRIPT}/speaker/merge", participants.MergeSpeakers.as_view()),
    path("v1/recordings", recording_views.RecordingList.as_view()),
    path("v1/recordings/<str:recording_id>", recording_views.RecordingDetail.as_view()),
    path("v1/recordings/files/<str:token>", results.download, name="recording-file"),
    path("v1/recordings/<uuid:recording_id>/result", results.TakeResult.as_view(), name="recording-result"),
]
