"""Static files as they are collected for production."""

import re
import shutil

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

from config.static_files import collect_changed

HASHED = re.compile(r"\.[0-9a-f]{12}\.js$")
IMPORTS = re.compile(r'^import .* from "([^"]+)";$', re.MULTILINE)


@pytest.fixture
def collected(settings, tmp_path):
    backend = {"BACKEND": "config.static_files.HashedStaticFiles"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": backend}
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def own_modules(folder):
    """Those of the product, as pages load them."""
    names = [path.relative_to(root) for root in settings.STATICFILES_DIRS for path in root.rglob("*.js")]
    own = (str(name) for name in names if "vendor" not in name.parts)
    return [folder / staticfiles_storage.stored_name(name) for name in own]


def test_modules_import_each_other_under_names_that_may_be_kept_for_ever(collected):
    imports = [(module, name) for module in own_modules(collected) for name in IMPORTS.findall(module.read_text())]
    assert len(imports) > 10
    for module, name in imports:
        assert HASHED.search(name), (module.name, name)
        assert (module.parent / name).is_file(), (module.name, name)


def test_the_code_of_providers_stays_as_it_is(collected):
    [root] = settings.STATICFILES_DIRS
    vendored = list((root / "platforms" / "vendor").rglob("*.js"))
    assert vendored
    for path in vendored:
        stored = collected / staticfiles_storage.stored_name(str(path.relative_to(root)))
        assert stored.read_bytes() == path.read_bytes()


def test_they_are_collected_where_they_changed_and_no_more(settings, tmp_path):
    source, served = tmp_path / "source", tmp_path / "served"
    source.mkdir()
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static_files.HashedStaticFiles"}}
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS, settings.STATIC_ROOT, settings.DATA_DIR = [source], served, tmp_path
    (source / "one.txt").write_text("one")
    assert [collect_changed(), collect_changed()] == [True, False]
    (source / "one.txt").write_text("another")
    (source / "two.txt").write_text("two")
    assert [collect_changed(), collect_changed()] == [True, False]
    assert {path.read_text() for path in served.glob("*.txt")} >= {"another", "two"}
    (source / "two.txt").unlink()
    assert [collect_changed(), collect_changed()] == [True, False]
    shutil.rmtree(served)
    assert [collect_changed(), collect_changed()] == [True, False]
    assert (served / "one.txt").is_file()
