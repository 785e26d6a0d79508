from django.urls import path, re_path
from django.views.generic import RedirectView

from recordings.pages import following, home, meeting, retry, room, search, trash, upload
from recordings.pages.transcript import again, editing, lines, page
from rooms.pages import (
    account,
    browsers,
    invitation,
    login,
    new_room,
    outside_login,
    password,
    password_reset,
    second_factor,
)

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ROOM = r"(?P<room_name>[A-Za-z0-9_-]+)"

# What stands first in each of these paths is reserved in rooms/names.py.
urlpatterns = [
    path("", home.home, name="home"),
    path("login", login.LoginPage.as_view(), name="login"),
    path("login/outside", outside_login.start, name="outside-login"),
    path("login/outside/done", outside_login.done, name="outside-login-done"),
    path("login/code", second_factor.code_page, name="login-code"),
    path("logout", login.LogoutPage.as_view(), name="logout"),
    path("account", account.account_page, name="account"),
    path("account/profile", account.save_profile, name="account-profile"),
    path("account/email/<str:token>", account.confirm_email, name="account-email"),
    path("account/keys", account.add_key, name="account-key-add"),
    path("account/keys/<uuid:key_id>/revoke", account.revoke_key, name="account-key-revoke"),
    path("account/browsers/sign-out-others", browsers.sign_out_others, name="account-browsers-sign-out"),
    path("account/browsers/<int:browser_id>/sign-out", browsers.sign_out_browser, name="account-browser-sign-out"),
    path("account/invitation", invitation.invitation_page, name="invitation"),
    path("account/invitation/<str:token>", invitation.open_link, name="invitation-link"),
    path("account/reset", password_reset.ResetPage.as_view(), name="password-reset"),
    path("account/reset/<uidb64>/<token>", password_reset.NewPasswordPage.as_view(), name="new-password"),
    path("account/password", password.PasswordPage.as_view(), name="password"),
    path("account/second-factor", second_factor.second_factor_page, name="second-factor"),
    path("account/second-factor/off", second_factor.turn_off, name="second-factor-off"),
    path("account/second-factor/codes", second_factor.make_codes, name="second-factor-codes"),
    path("new", new_room.new_room, name="new-room"),
    re_path(rf"^rooms/{ROOM}/?$", room.room_page, name="room-settings"),
    re_path(rf"^rooms/{ROOM}/(?P<section>[a-z]+)/(?P<action>[a-z-]+)$", room.act, name="room-action"),
    re_path(rf"^rooms/{ROOM}/meetings/(?P<meeting_id>{UUID})/?$", meeting.meeting_page, name="room-meeting"),
    re_path(
        rf"^rooms/{ROOM}/meetings/(?P<meeting_id>{UUID})/consent\.csv$",
        meeting.answers_file,
        name="room-meeting-answers",
    ),
    re_path(
        rf"^rooms/{ROOM}/meetings/(?P<meeting_id>{UUID})/refusals$", meeting.refusals, name="room-meeting-refusals"
    ),
    # Of pages, what they follow; see static/live.js. The web server may have a process of its own for these.
    path("events/", following.home, name="home-events"),
    re_path(rf"^events/rooms/{ROOM}/?$", following.room, name="room-settings-events"),
    re_path(
        rf"^events/rooms/{ROOM}/meetings/(?P<meeting_id>{UUID})/?$", following.past_meeting, name="room-meeting-events"
    ),
    path("events/transcripts/<uuid:transcript_id>", following.transcript, name="transcript-events"),
    re_path(rf"^events/{ROOM}/(?P<meeting_id>{UUID})/?$", following.call, name="meeting-events"),
    path("search", search.search_page, name="search"),
    path("transcripts/upload", upload.upload, name="upload"),
    path("transcripts/trash", trash.trash, name="trash"),
    path("transcripts/<uuid:transcript_id>/restore", trash.restore, name="transcript-restore"),
    path("transcripts/<uuid:transcript_id>/destroy", trash.destroy, name="transcript-destroy"),
    path("transcripts/<uuid:transcript_id>", page.transcript_page, name="transcript"),
    path("transcripts/<uuid:transcript_id>/download/<str:ending>", page.download, name="transcript-download"),
    path("transcripts/<uuid:transcript_id>/parts/<int:number>", lines.part, name="transcript-part"),
    path("transcripts/<uuid:transcript_id>/places", search.all_places, name="transcript-places"),
    path("transcripts/<uuid:transcript_id>/find", lines.find, name="transcript-find"),
    path("transcripts/<uuid:transcript_id>/correct", editing.correct, name="transcript-correct"),
    path("transcripts/<uuid:transcript_id>/speaker", editing.assign, name="transcript-speaker"),
    path("transcripts/<uuid:transcript_id>/again", again.transcribe_again, name="transcript-again"),
    path("transcripts/<uuid:transcript_id>/corrections", editing.corrections, name="transcript-corrections"),
    path("recordings/<uuid:recording_id>/retry", retry.retry, name="recording-retry"),
    # What people type who know such addresses from elsewhere; none can be a room.
    path("admin", RedirectView.as_view(url="/admin/", query_string=True)),
    re_path(r"^(?P<page>login|logout|new|search|account)/$", RedirectView.as_view(url="/%(page)s", query_string=True)),
    re_path(r"^rooms/?$", RedirectView.as_view(url="/")),
    re_path(r"^transcripts/?$", RedirectView.as_view(url="/search")),
]
