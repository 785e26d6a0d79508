"""Who is to be sent a transcript: kept as jobs, in the transaction in which it is ready."""

from django.db import transaction

from meetings.models import EmailRecipient
from recordings.models import Transcript, TranscriptMail, ZulipPost
from rooms import recipients


class TooManyRecipients(Exception):
    """A transcript is not a way to write to everybody."""


def transcript_completed(transcript: Transcript) -> None:
    meeting = transcript.recording.meeting if transcript.recording else None
    wanted = {one.email: one.include_link for one in meeting.email_recipients.all()} if meeting else {}
    room = transcript.room
    if room and room.email_transcript_to:
        wanted |= dict.fromkeys(recipients.usable(room.email_transcript_to), True)
    send_mails(transcript, wanted)
    if room and room.posts_to_zulip:
        post(transcript, room.zulip_stream, room.zulip_topic)


def recipient_added(recipient: EmailRecipient) -> None:
    """What is ready already is sent at once."""
    ready = Transcript.objects.filter(
        recording__meeting=recipient.meeting, status=Transcript.Status.ENDED, deleted_at__isnull=True
    )
    for transcript in ready:
        send_mails(transcript, {recipient.email: recipient.include_link})


def send_mails(transcript: Transcript, wanted: dict[str, bool]) -> None:
    """`wanted` says whether each address is to have the link. Whoever was sent this transcript is not again."""
    mails = [
        TranscriptMail(transcript=transcript, recipient=address, include_link=link) for address, link in wanted.items()
    ]
    if mails:
        TranscriptMail.objects.bulk_create(mails, ignore_conflicts=True)
        transaction.on_commit(TranscriptMail.enqueue)


def send_on(transcript: Transcript, address: str) -> int:
    """To one person more: 1, or 0 for who was sent it before. One that failed is tried again.

    Raises TooManyRecipients.
    """
    with transaction.atomic():
        Transcript.objects.select_for_update().get(pk=transcript.pk)  # one at a time
        if failed := transcript.mails.filter(recipient__iexact=address, state=TranscriptMail.State.FAILED).run_again():
            transaction.on_commit(TranscriptMail.enqueue)
        elif not transcript.mails.filter(recipient__iexact=address).exists():
            if transcript.mails.count() >= TranscriptMail.MOST:
                raise TooManyRecipients
            send_mails(transcript, {address: True})
            return 1
    return failed


def post(transcript: Transcript, stream: str, topic: str, include_topics: bool = True) -> None:
    """Have it said there, once; what failed is tried again."""
    with transaction.atomic():
        posted, created = ZulipPost.objects.get_or_create(
            transcript=transcript, stream=stream, topic=topic, defaults={"include_topics": include_topics}
        )
        if created or ZulipPost.objects.filter(pk=posted.pk, state=ZulipPost.State.FAILED).run_again():
            transaction.on_commit(ZulipPost.enqueue)
