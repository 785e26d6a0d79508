"""The transcript of a room's recording, from the first report on: its row, and how far it has come.

Of tracks and a file of one call there is one transcript, from the tracks; the file is its video. Where nothing comes
of the tracks, the file takes their place.
"""

from datetime import timedelta

from django.db import connection
from django.db.models import Q

from recordings.models import Recording, Submission, Transcript
from recordings.models.transitions import transition

Kind, State, Status = Recording.Kind, Recording.State, Transcript.Status

# Between the beginnings of two recordings of one call, of which the length is not known yet.
STARTS_TOGETHER = timedelta(minutes=2)


def begin(recording: Recording) -> None:
    """Have a transcript that waits for what is said in a recording. Whoever calls this holds the recording's row."""
    if recording.kind == Kind.UPLOAD or recording.meeting_id is None or recording.is_discarded():
        return
    _one_at_a_time(recording)
    if transcript_of(recording) is None and not _join_other(recording):
        Transcript(recording=recording, status=Status.UPLOADED, **first_values(recording)).touch()


def begin_anew(recording: Recording) -> None:
    """The same where one may have failed, which then waits again."""
    begin(recording)
    for transcript in Transcript.objects.select_for_update().filter(recording=recording, status=Status.ERROR):
        transcript.status, transcript.note = Status.UPLOADED, ""
        transcript.touch()


def first_values(recording: Recording) -> dict[str, object]:
    meeting = recording.meeting
    room = meeting.room if meeting else None
    upload = recording.kind == Kind.UPLOAD
    return {
        "user_id": meeting.owner_id if meeting else None,
        "room": room,
        "name": room.label if room else str(recording),
        "source_kind": Transcript.SourceKind.FILE if upload else Transcript.SourceKind.ROOM,
    }


def transcript_of(recording: Recording) -> Transcript | None:
    """That which is made of it, or of which it is the video; locked."""
    return Transcript.objects.select_for_update().filter(Q(recording=recording) | Q(video=recording)).first()


def tell(recording: Recording, status: Transcript.Status) -> None:
    """How far the transcript of a recording has come, of one that is there."""
    for transcript in Transcript.objects.select_for_update().filter(recording=recording).exclude(status=status):
        transcript.status = status
        transcript.touch()


def give_up(recording: Recording, note: str = "") -> None:
    """Nothing comes of a recording: its transcript says so, or is made of the file of the same call."""
    transcript = Transcript.objects.select_for_update().filter(recording=recording).exclude(status=Status.ENDED).first()
    if transcript is None:
        return
    video = transcript.video
    if video is None or video.is_discarded() or video.state in (State.FAILED, State.NO_AUDIO):
        transcript.status, transcript.note = Status.ERROR, note or transcript.note
    else:
        transcript.recording, transcript.video, transcript.status = video, None, Status.UPLOADED
        if transition(video, State.STORED):
            Submission.objects.filter(recording=video).run_again()
            Submission.objects.get_or_create(recording=video)[0].enqueue_on_commit()
    transcript.touch()


def _join_other(recording: Recording) -> bool:
    """Make one of a recording's transcript and that of the other kind of the same call. False where there is none."""
    is_tracks = recording.kind == Kind.TRACKS
    others = Transcript.objects.select_for_update(of=("self",)).filter(
        recording__meeting=recording.meeting_id, recording__kind=Kind.FILE if is_tracks else Kind.TRACKS, video=None
    )
    for transcript in others.select_related("recording").order_by("pk"):
        other = transcript.recording
        if other and not other.is_being_deleted() and are_of_one_call(recording, other):
            tracks, file = (recording, other) if is_tracks else (other, recording)
            transcript.recording, transcript.video = tracks, file
            transcript.touch()
            if transcript.deleted_at:
                Recording.objects.filter(pk=recording.pk).update(deleted_at=transcript.deleted_at)
            return True
    return False


def are_of_one_call(one: Recording, other: Recording) -> bool:
    """Whether they were made at the same time, as far as that is known."""
    if one.recorded_at is None or other.recorded_at is None:
        return False
    first, second = (one, other) if one.recorded_at <= other.recorded_at else (other, one)
    within = max(STARTS_TOGETHER, timedelta(seconds=first.duration or 0))
    return bool(second.recorded_at and first.recorded_at and second.recorded_at - first.recorded_at <= within)


def _one_at_a_time(recording: Recording) -> None:
    """So that of two recordings of one call, which are reported at once, the second finds the transcript of the first.

    On SQLite the transaction itself keeps other writers out (see DATABASES).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            name = f"recordings_transcript of {recording.meeting_id}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
