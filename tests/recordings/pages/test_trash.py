"""The page of the trash."""

import re

import pytest

from recordings.models import Transcript
from recordings.privacy import deletion
from tests.support.transcripts import make_transcript

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>"
PAGE = "/transcripts/trash"


@pytest.fixture
def deleted(owner):
    transcript = make_transcript(owner, title=f"Plans {EVIL}", share_mode="public")
    deletion.trash(transcript)
    return transcript


def html(client, user=None, path=PAGE, **query):
    if user:
        client.force_login(user)
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def send(client, transcript, action, user=None):
    if user:
        client.force_login(user)
    return client.post(f"/transcripts/{transcript.pk}/{action}", follow=user is not None)


def test_it_has_ones_own_and_says_how_long(client, owner, colleague, staff, deleted, settings):
    settings.TRASH_DAYS = 30
    make_transcript(owner, title="Not deleted")
    text = html(client, owner)
    assert "Plans &lt;script&gt;" in text
    assert EVIL not in text
    assert "30 days after" in text
    assert "Not deleted" not in text
    for other in (colleague, staff):
        assert "The trash is empty." in html(client, other)


def test_guests_log_in_first(client, deleted):
    assert client.get(PAGE)["Location"] == f"/login?next={PAGE}"
    for action in ("restore", "destroy"):
        assert send(client, deleted, action)["Location"].startswith("/login")
    assert Transcript.objects.get().deleted_at


def test_to_others_there_is_nothing_to_act_on(client, colleague, staff, deleted):
    for user in (colleague, staff):
        for action in ("restore", "destroy"):
            assert send(client, deleted, action, user).status_code == 404
    assert Transcript.objects.get().deleted_at


def test_restoring(client, owner, deleted):
    answer = send(client, deleted, "restore", owner).content.decode()
    assert "is out of the trash" in answer
    assert "The trash is empty." in answer
    assert Transcript.objects.get().deleted_at is None
    assert "is not in the trash any more" in send(client, deleted, "restore", owner).content.decode()


def test_deleting_for_good_is_for_what_is_in_the_trash(client, owner, deleted):
    assert "was deleted for good" in send(client, deleted, "destroy", owner).content.decode()
    assert not Transcript.objects.exists()
    assert send(client, deleted, "destroy", owner).status_code == 404
    kept = make_transcript(owner)
    assert "is not in the trash any more" in send(client, kept, "destroy", owner).content.decode()
    assert Transcript.objects.filter(pk=kept.pk).exists()


def test_looking_changes_nothing(client, owner, deleted):
    client.force_login(owner)
    for action in ("restore", "destroy"):
        assert client.get(f"/transcripts/{deleted.pk}/{action}").status_code == 405
    assert client.post(PAGE).status_code == 405


def test_many_have_pages(client, owner):
    for number in range(21):
        deletion.trash(make_transcript(owner, title=f"No. {number}"))
    first = html(client, owner)
    second = html(client, owner, PAGE + re.search(r'rel="next" href="([^"]+)"', first)[1])
    assert (first.count("<li class"), second.count("<li class")) == (20, 1)


def test_the_search_leads_there(client, owner):
    assert f'href="{PAGE}"' in html(client, owner, "/search")
