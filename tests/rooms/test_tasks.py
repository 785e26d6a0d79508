from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from rooms.tasks import prune_sessions


@pytest.mark.django_db
def test_sessions_that_are_over_are_forgotten_and_no_other(client, owner):
    client.force_login(owner)
    mine = Session.objects.get()
    Session.objects.create(session_key="old", session_data="", expire_date=timezone.now() - timedelta(seconds=1))
    prune_sessions()
    assert Session.objects.get() == mine
