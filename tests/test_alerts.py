"""The alert rules and the dashboard speak of metrics that there are; the runbook has a heading for each rule."""

import json
import re

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from platforms import metrics
from tests.support.live import ROOT, running_product

GROUPS = yaml.safe_load((ROOT / "docs/alerts.yaml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
RUNBOOK = (ROOT / "docs/operate.md").read_text()
DASHBOARD = json.loads((ROOT / "docs/grafana.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = {rule["alert"]: [rule["expr"]] for rule in RULES} | {
    panel["title"]: [target["expr"] for target in panel["targets"]] for panel in PANELS
}
TOKEN = "token-of-this-test"
BEAT = (
    "from django.utils import timezone; from platforms.models import Heartbeat; "
    "Heartbeat.objects.create(name='scheduler', at=timezone.now())"
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """What the product says at /metrics, over HTTP: each sample that there may be -> its labels, if known."""
    with running_product(tmp_path_factory.mktemp("product"), METRICS_TOKEN=TOKEN) as product:
        product.manage("shell", "-c", BEAT)
        product.api("POST", "/v1/mock/webhook", json={})
        text = product.api("GET", "/metrics", token=TOKEN).text
    found = {}
    for family in text_string_to_metric_families(text):
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        found |= {family.name + ending: set() for ending in endings}
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_metric_and_label_that_it_names_is_there(exported, name):
    for expression in EXPRESSIONS[name]:
        promql_parser.parse(expression)
        named = set(re.findall(r"reflector_\w+", expression))
        assert named
        assert {metric for metric in named if metric not in exported and not counted_labels(metric)} == set()
        known = set().union(*(exported.get(metric, set()) | counted_labels(metric) for metric in named))
        if known:
            assert labels_in(expression) - known == set()


def counted_labels(sample):
    """Of what a process counts; it is exported once it was counted, see test_metrics."""
    for metric in vars(metrics).values():
        name = getattr(metric, "_name", None)
        if name and sample.removeprefix(name) in ("_total", "_bucket", "_count", "_sum"):
            return {*metric._labelnames, "le"}
    return set()


def labels_in(expression):
    grouped = re.findall(r"by \(([\w, ]+)\)", expression)
    matched = re.findall(r"\{([^}]*)\}", expression)
    return {label for names in grouped for label in names.split(", ")} | {
        label for matchers in matched for label in re.findall(r"(\w+)[=!]", matchers)
    }


def test_what_a_legend_names_is_among_what_is_grouped_by():
    for panel in PANELS:
        for target in panel["targets"]:
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert shown <= labels_in(target["expr"]), panel["title"]


def test_the_dashboard_asks_whichever_prometheus_is_chosen():
    assert [variable["type"] for variable in DASHBOARD["templating"]["list"]] == ["datasource"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids)) > 20


def test_panels_do_not_lie_over_each_other():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_rules_have_the_shape_that_prometheus_reads():
    for rule in RULES:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels_in(rule["expr"])
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_the_runbook_has_a_heading_for_each_and_no_other():
    assert re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE) == [rule["alert"] for rule in RULES]
