"""Pages of Admin that are about no model."""

from django.urls import path

from config.staff import platforms
from config.staff.background import background_work

urlpatterns = [
    path("", platforms.platforms_page),  # in the place of admin:index, by which name it goes
    path("background-work/", background_work, name="background_work"),
    path("platforms/<slug:name>/check/", platforms.check, name="check_platform"),
    path("platforms/<slug:name>/register-webhook/", platforms.register_webhook, name="register_webhook"),
    path("platforms/<slug:name>/cordon/", platforms.cordon, name="cordon_platform"),
    path("platforms/<slug:name>/uncordon/", platforms.uncordon, name="uncordon_platform"),
    path("platforms/<slug:name>/drain/", platforms.drain, name="drain_platform"),
    path("rollout/roll-back/", platforms.roll_back, name="roll_back"),
    path("rollout/pause/", platforms.pause, name="pause_rollout"),
    path("rollout/resume/", platforms.resume, name="resume_rollout"),
]
