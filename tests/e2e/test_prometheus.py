"""deploy/prometheus and deploy/grafana in use: a real Prometheus scrapes the demo, and every panel shows something.

Where no Prometheus is installed this is skipped; `apt-get install prometheus` brings one on Debian.
"""

import json
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.fakes.collection import free_port
from tests.fakes.documented import BIN

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
CONFIGURATION = ROOT / "deploy" / "prometheus"
PANELS: list[dict[str, Any]] = json.loads((ROOT / "deploy" / "grafana" / "foremesh.json").read_text())["panels"]
DAEMONS = {
    "forecast-server": ("spark", "forecast-server"),
    "coordinator": ("spark", "coordinator"),
    "trader": ("ec2", "trader"),
    "collector-0": ("spark", "collector"),
    "collector-1": ("ec2", "collector"),
    "collector-2": ("mini", "collector"),
}
"""Host and daemon, as deploy/prometheus labels them, by the name in the demo."""
EMPTY_WHERE_ALL_IS_WELL = {
    "Refusals": "a reason is not known before somebody is refused",
    "No entries, because": "shows blocks that are in force",
}
RANGES = {"$__rate_interval": "15s", "$__range": "1m", "$host": ".*"}
"""What Grafana puts in."""

pytestmark = [
    pytest.mark.skipif(PROMETHEUS is None or PROMTOOL is None, reason="no Prometheus here"),
    pytest.mark.timeout(300),
]


@contextmanager
def running(*command: object, log: Path, stop: signal.Signals) -> Iterator[None]:
    words = [str(word) for word in command]
    with (
        log.open("w") as stream,
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=log.parent) as process,
    ):
        try:
            yield
        finally:
            process.send_signal(stop)
            process.wait(60)


def metrics_port(folder: Path, daemon: str) -> int:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for log in folder.glob(f"mesh-*/{daemon}.log"):
            for event in (json.loads(line) for line in log.read_text().splitlines(keepends=True) if line[-1] == "\n"):
                if event["event"] == "serving":
                    return int(event["metrics_port"])
        time.sleep(0.2)
    raise AssertionError(f"{daemon} does not serve")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus with the configuration of deploy/, faster and with the ports of a demo."""
    folder = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as stack:
        demo = (BIN / "foremesh", "demo", "--out", folder / "out", "--seconds", 3600, "--model", "random-walk")
        stack.enter_context(running(*demo, log=folder / "demo.log", stop=signal.SIGINT))
        config = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        [job] = config["scrape_configs"]
        known = {(each["labels"]["host"], each["labels"]["daemon"]): each for each in job["static_configs"]}
        assert set(known) == set(DAEMONS.values())
        for name, place in DAEMONS.items():
            known[place]["targets"] = [f"127.0.0.1:{metrics_port(folder / 'out', name)}"]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        shutil.copy(CONFIGURATION / "alerts.yml", folder)
        address = f"127.0.0.1:{free_port()}"
        stack.enter_context(
            running(
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
                log=folder / "prometheus.log",
                stop=signal.SIGTERM,
            )
        )
        yield address


def asked(address: str, path: str, **query: str) -> Any:
    url = f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]


def shown(address: str, expression: str) -> bool:
    """Tell whether a panel with this query has a number to show."""
    for variable, value in RANGES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    return any(sample["value"][1] != "NaN" for sample in asked(address, "query", query=expression)["result"])


def test_promtool_finds_nothing_wrong_with_configuration_and_rules() -> None:
    assert PROMTOOL is not None
    checked = subprocess.run(
        [PROMTOOL, "check", "config", CONFIGURATION / "prometheus.yml"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert re.search(r"SUCCESS: \d+ rules found", checked.stdout)


def test_every_panel_has_something_to_show(prometheus: str) -> None:
    waiting = {
        (panel["title"], target["expr"])
        for panel in PANELS
        for target in panel.get("targets", ())
        if panel["title"] not in EMPTY_WHERE_ALL_IS_WELL
    }
    until = time.monotonic() + 120
    while waiting and time.monotonic() < until:
        time.sleep(2)
        try:
            waiting = {(title, expression) for title, expression in waiting if not shown(prometheus, expression)}
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read()) from error
        except urllib.error.URLError:  # it has not begun to listen
            continue
    assert waiting == set()


def test_what_is_empty_where_all_is_well_can_be_asked(prometheus: str) -> None:
    queries = {p["title"]: [t["expr"] for t in p["targets"]] for p in PANELS if p["title"] in EMPTY_WHERE_ALL_IS_WELL}
    assert set(queries) == set(EMPTY_WHERE_ALL_IS_WELL)
    for expression in (expression for expressions in queries.values() for expression in expressions):
        shown(prometheus, expression)


def test_every_alert_can_be_evaluated_and_every_target_answers(prometheus: str) -> None:
    rules = [rule for group in asked(prometheus, "rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(re.findall("- alert: ", (CONFIGURATION / "alerts.yml").read_text()))
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    targets = asked(prometheus, "targets")["activeTargets"]
    assert len(targets) == len(DAEMONS)
    assert [(target["labels"], target["lastError"]) for target in targets if target["health"] != "up"] == []
