"""What was a hand-off and a destruction is a submission and an erasure, and whoever might see it still may."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from recordings.models import Erasure, Submission
from tests.support.migrations import migrated

pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_and_permissions_are_kept_under_the_new_names():
    with migrated("recordings", "0011_uploads_in_a_line_of_their_own") as apps:
        recording = apps.get_model("recordings", "Recording").objects.create(kind="file")
        apps.get_model("recordings", "HandOff").objects.create(
            recording=recording, kept={"mp3": "a.mp3"}, attempts=2, last_error="Busy."
        )
        apps.get_model("recordings", "Destruction").objects.create(recording=recording, place="bucket", files=["a"])
        kind, _ = ContentType.objects.get_or_create(app_label="recordings", model="erasure")  # renamed by `migrate`
        Permission.objects.filter(content_type=kind).delete()
        permission = Permission.objects.create(content_type=kind, codename="change_destruction", name="Can change")
    submission, erasure = Submission.objects.get(), Erasure.objects.get()
    assert (submission.checkpoint, submission.attempts, submission.last_error) == ({"mp3": "a.mp3"}, 2, "Busy.")
    assert (erasure.location, erasure.files, erasure.recording_id) == ("bucket", ["a"], submission.recording_id)
    permission.refresh_from_db()
    assert (permission.codename, permission.name) == ("change_erasure", "Can change erasure")
