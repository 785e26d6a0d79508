"""Which function does the work of which rows."""

from platforms.work.registry import performs
from recordings.fetching import ingest
from recordings.models import Erasure, Ingest, Submission, Summary, TranscriptMail, ZulipPost
from recordings.privacy import deletion
from recordings.sending import mail, zulip
from recordings.summaries import summarize
from recordings.transcription import submit

performs(Ingest, ingest.ingest, ingest.on_permanent_failure)
performs(Submission, submit.submit, submit.on_permanent_failure)  # and its proxy, of uploads
performs(Summary, summarize.summarize, summarize.on_permanent_failure)
performs(Erasure, deletion.erase, deletion.on_permanent_failure)
performs(TranscriptMail, mail.perform)
performs(ZulipPost, zulip.perform)
