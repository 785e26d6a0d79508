from django.urls import path

from recordings import callback
from recordings.api import (
    consent_views,
    recording_start_views,
    recording_views,
    transcript_media,
    transcript_participants,
    transcript_search,
    transcript_views,
)

TRANSCRIPT = "v1/transcripts/<str:transcript_id>"

urlpatterns = [
    path("v1/meetings/<str:meeting_id>/consent", consent_views.AnswerConsent.as_view()),
    path("v1/meetings/<str:meeting_id>/recordings/start", recording_start_views.StartRecording.as_view()),
    path("v1/transcripts", transcript_views.TranscriptList.as_view()),
    path("v1/transcripts/search", transcript_search.SearchTranscripts.as_view()),
    path(TRANSCRIPT, transcript_views.TranscriptDetail.as_view()),
    path(f"{TRANSCRIPT}/restore", transcript_views.RestoreTranscript.as_view()),
    path(f"{TRANSCRIPT}/destroy", transcript_views.DestroyTranscript.as_view()),
    path(f"{TRANSCRIPT}/audio/mp3", transcript_media.Audio.as_view()),
    path(f"{TRANSCRIPT}/video/url", transcript_media.VideoUrl.as_view()),
    path(f"{TRANSCRIPT}/download/zip", transcript_media.DownloadZip.as_view()),
    path(f"{TRANSCRIPT}/record/upload", transcript_media.UploadChunk.as_view()),
    path(f"{TRANSCRIPT}/process", transcript_media.ProcessAgain.as_view()),
    path(f"{TRANSCRIPT}/participants", transcript_participants.ParticipantList.as_view()),
    path(f"{TRANSCRIPT}/participants/<str:participant_id>", transcript_participants.ParticipantDetail.as_view()),
    path(f"{TRANSCRIPT}/speaker/assign", transcript_participants.AssignSpeaker.as_view()),
    path(f"{TRANSCRIPT}/speaker/merge", transcript_participants.MergeSpeakers.as_view()),
    path("v1/recordings", recording_views.RecordingList.as_view()),
    path("v1/recordings/<str:recording_id>", recording_views.RecordingDetail.as_view()),
    path("v1/recordings/files/<str:token>", callback.download, name="recording-file"),
    path("v1/recordings/<uuid:recording_id>/result", callback.TakeResult.as_view(), name="recording-result"),
]
