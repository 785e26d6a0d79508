"""The alert rules speak of metrics that there are, and the runbook has a heading for each of them."""

import re

import pytest
import yaml

from tests.conftest import api_for
from tests.support.live import ROOT

RULES = [rule for group in yaml.safe_load((ROOT / "docs/alerts.yaml").read_text())["groups"] for rule in group["rules"]]
RUNBOOK = (ROOT / "docs/operate.md").read_text()


@pytest.mark.django_db
def test_every_metric_that_a_rule_names_is_there(settings):
    settings.METRICS_TOKEN = "token-of-this-test"
    text = api_for().get("/metrics", HTTP_AUTHORIZATION="Bearer token-of-this-test").content.decode()
    offered = {name for _, name in re.findall(r"^# (TYPE|HELP) (\w+)", text, re.MULTILINE)}
    named = {name for rule in RULES for name in re.findall(r"reflector_\w+", rule["expr"])}
    assert len(named) > 6
    # Of a scheduler that never ran there is no age.
    assert named - offered - {"reflector_scheduler_age_seconds"} == set()


def test_the_runbook_has_a_heading_for_each_and_no_other():
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in RULES]
