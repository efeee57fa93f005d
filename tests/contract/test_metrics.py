"""Metrics: the page that lists them, the rules and the dashboard that ask for them, and what the daemons show."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from collector.config import CollectorConfig
from collector.coordinator.config import CoordinatorConfig
from forecast_server.config import ForecastServerConfig
from tests.conftest import ROOT
from tests.fakes.every_metric import PARTS, every_metric
from trader.config import TraderConfig

METRICS = every_metric()
PAGE = (ROOT / "docs" / "metrics.md").read_text()
PROMETHEUS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
ALERTS = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "foremesh.json").read_text())
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DAEMONS = {
    "forecast-server": ForecastServerConfig().rpc,
    "coordinator": CoordinatorConfig().rpc,
    "trader": TraderConfig().rpc,
    "collector": CollectorConfig().rpc,
}
CODE = ("collector", "console", "forecast_server", "mesh", "research", "sim_exchange", "trader")
TARGET_LABELS = {"job", "instance", "host", "daemon"}
_WORD = re.compile(r"\b[a-zA-Z_:][\w:]*")
_LISTS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}")
_UNITS = re.compile(r"(milli|micro|nano)seconds|minutes|hours|days|_ms\b|percent|(kilo|mega|kibi|mebi|gibi)bytes|cents")
_FUNCTIONS = {"histogram_quantile", "increase", "max", "min", "rate", "sum"}

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
each_metric = pytest.mark.parametrize("name", sorted(METRICS))


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in PANELS:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}, {target['refId']}", target["expr"]


def test_the_page_lists_every_metric_with_its_type_and_labels_and_no_other() -> None:
    rows = re.findall(r"^\| `(foremesh_\w+)` \| (\w+) \|([^|]*)\|[^|]*\| ([^|]+) \|[^|]*\|$", PAGE, re.MULTILINE)
    written = {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows}
    assert len(written) == len(rows)
    assert written == {shown.name: (shown.kind, shown.labels) for shown in METRICS.values()}


def test_metrics_are_made_by_the_classes_that_the_page_is_held_against_alone() -> None:
    made = re.compile(r"\b(?:Counter|Gauge|Histogram|Summary|Info|\w+MetricFamily)\(")
    sources = (path for folder in CODE for path in (ROOT / folder).rglob("*.py") if path.name != "metrics.py")
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in sources}
    assert not [name for name, text in texts.items() if "prometheus_client" in text and made.search(text)]


def test_the_page_and_prometheus_look_where_the_daemons_serve_metrics() -> None:
    served = {name: rpc.metrics_listen for name, rpc in DAEMONS.items()}
    assert dict(re.findall(r"^\| `foremesh-([a-z-]+)` \| `([^`]+)` \|", PAGE, re.MULTILINE)) == served
    here = {
        each["labels"]["daemon"]: address
        for each in _targets()
        for address in each["targets"]
        if each["labels"]["host"] == "spark"
    }
    assert here == {name: address for name, address in served.items() if name != "trader"}


def test_prometheus_scrapes_loopback_alone_and_each_daemon_of_each_host_once() -> None:
    addresses = [address for each in _targets() for address in each["targets"]]
    assert all(address.startswith("127.0.0.1:") for address in addresses)
    assert len(set(addresses)) == len(addresses)
    whose = [(each["labels"]["host"], each["labels"]["daemon"]) for each in _targets()]
    assert sorted(whose) == sorted(
        [
            *(("spark", name) for name in ("forecast-server", "coordinator", "collector")),
            *(("ec2", name) for name in ("trader", "collector")),
            ("mini", "collector"),
        ]
    )
    forwarded = re.findall(r"-L (127\.0\.0\.1:\d+):127\.0\.0\.1:\d+", PAGE)
    assert set(forwarded) == {a for each in _targets() if each["labels"]["host"] == "ec2" for a in each["targets"]}


@each_metric
def test_names_follow_the_conventions_of_prometheus(name: str) -> None:
    shown = METRICS[name]
    assert re.fullmatch(r"foremesh_(rpc|forecast|coordinator|collector|trader)(_[a-z]+)+", name)
    assert name.endswith("_total") == (shown.kind == "counter")
    assert shown.kind == "counter" or not name.endswith(PARTS)
    assert not _UNITS.search(name), "base units: seconds, bytes, ratio, dollars"
    assert re.search(r"_(seconds|bytes)(_total)?$|_per_second$", name) or not re.search(r"_(seconds?|bytes?)_", name)
    assert shown.text.endswith(".")
    assert not re.search(r"\b(share|percent)\b", name.replace("budget_share", ""))


@pytest.mark.parametrize(("where", "expression"), list(expressions()), ids=lambda value: value[:60])
def test_what_is_asked_for_is_shown(where: str, expression: str) -> None:
    """Every metric in it, every label that it selects or groups by."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    for name, selectors in _SELECTOR.findall(bare):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors)) <= _labels(name) | TARGET_LABELS, (
            f"{where}: {name}"
        )
    metrics = set(_WORD.findall(_LISTS.sub("", re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)))) - _FUNCTIONS
    assert metrics, where
    known = TARGET_LABELS.union({"le"}, *map(_labels, metrics))
    for group in _LISTS.findall(bare):
        assert set(re.findall(r"\w+", group)) <= known, where


@each_rule
def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        assert label in TARGET_LABELS.union(*map(_labels, _named(rule["expr"]))), label


def test_the_page_explains_each_alert_and_no_other() -> None:
    assert re.findall(r"^\| `(Foremesh\w+)` \|", PAGE, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_the_dashboard_has_what_grafana_needs_to_load_it_beside_others() -> None:
    assert re.fullmatch(r"[a-z-]{4,40}", DASHBOARD["uid"])
    assert DASHBOARD["id"] is None, "the number is Grafana's to give"
    assert DASHBOARD["schemaVersion"] == 38, "that of Grafana 10; later ones bring it up to theirs"
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    titles = [(panel["title"], panel["type"]) for panel in PANELS]
    assert len(set(titles)) == len(titles)


def test_panels_stand_in_the_grid_beside_each_other_and_rows_have_a_line_of_their_own() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] != "row" or (place["x"], place["w"], place["h"]) == (0, 24, 1)
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} stands on {taken[x, y]}"
                taken[x, y] = panel["title"]


def test_each_panel_has_a_unit_a_description_and_the_data_source_that_is_chosen() -> None:
    for panel in (panel for panel in PANELS if panel["type"] != "row"):
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(PANELS)))
    assert used - {"__rate_interval", "__range"} == set(variables)


def test_neither_rules_nor_dashboard_name_a_host() -> None:
    for text in (json.dumps(DASHBOARD), json.dumps(ALERTS)):
        assert not re.search(r"https?://|\d+\.\d+\.\d+\.\d+|localhost|\b(spark|ec2|mini)\b", text)


def _targets() -> list[dict[str, Any]]:
    [job] = [job for job in PROMETHEUS["scrape_configs"] if job["job_name"] == "foremesh"]
    targets: list[dict[str, Any]] = job["static_configs"]
    return targets


def _named(expression: str) -> set[str]:
    return set(re.findall(r"\bforemesh_\w+", expression))


def _labels(name: str) -> set[str]:
    """Labels of a metric by the name of one of its samples; one that nobody shows has no name here."""
    if name == "up" or name.startswith("process_"):
        return set()
    base = next((name.removesuffix(part) for part in PARTS if name.removesuffix(part) in METRICS), name)
    assert base in METRICS, f"no daemon shows {name}"
    assert (METRICS[base].kind == "histogram") == (base != name), f"{name}: which part of the histogram?"
    return set(METRICS[base].labels)
