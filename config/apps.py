from types import ModuleType

from django.apps import AppConfig
from django.contrib.admin import apps
from django.db.models.signals import class_prepared

from config import telemetry
from config.model_names import translate_names


class ConfigConfig(AppConfig):
    default = True
    name = "config"

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        super().__init__(app_name, app_module)
        class_prepared.connect(translate_names)  # no app's models are imported before all apps are known

    def ready(self) -> None:
        from config import checks  # noqa: F401  (registers itself)

        telemetry.begin()


class StaffConfig(apps.AdminConfig):
    default = False
    default_site = "config.staff.site.StaffSite"
