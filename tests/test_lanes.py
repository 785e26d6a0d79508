"""Tests are told apart by what they open, and processes that share them share nothing else."""

import uuid

import pytest
from django.conf import settings
from django.db import connection

LANES = {"logic", "db", "drill", "browser"}


def lanes_of(request):
    return LANES & {mark.name for mark in request.node.iter_markers()}


def test_what_opens_no_database_runs_once(request):
    assert lanes_of(request) == {"logic"}


def test_what_opens_one_by_a_fixture_runs_on_each(request, owner):
    assert lanes_of(request) == {"db"}


@pytest.mark.django_db
def test_what_opens_one_by_a_mark_as_well(request):
    assert lanes_of(request) == {"db"}


@pytest.mark.redis
def test_what_needs_redis_runs_where_it_is(request):
    assert lanes_of(request) == {"db"}


@pytest.mark.drill
@pytest.mark.django_db
def test_a_drill_is_nothing_else(request):
    assert lanes_of(request) == {"drill"}


@pytest.mark.parametrize("value", [f"/{uuid.uuid4()}/x"])
def test_no_tests_name_differs_between_processes(request, value):
    assert request.node.name.endswith("[/any/x]")


def test_each_process_has_data_of_its_own(request, owner):
    worker = getattr(request.config, "workerinput", {}).get("workerid")
    if worker:
        assert settings.DATA_DIR.name == f"worker-{worker.removeprefix('gw')}"
        assert worker in str(connection.settings_dict["NAME"]) or connection.vendor == "sqlite"
