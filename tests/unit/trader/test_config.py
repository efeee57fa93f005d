"""The trader's configuration: what cannot be is refused by name, and real money needs two keys."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from mesh.config import ConfigError, load
from trader.__main__ import main
from trader.config import TraderConfig
from trader.domain.words import Mode

KEY = ["kalshi.key_id=k-1", "kalshi.private_key_file=key.pem"]
PRODUCTION = [*KEY, "kalshi.environment=production"]
LIVE = [*PRODUCTION, "mode=live", "live.i_accept_real_money=true", "live.confirm_account=k-1"]


def problems(*overrides: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(None, TraderConfig, overrides)
    return str(refused.value)


def test_without_a_file_it_is_paper_trading_on_the_simulator_of_this_machine() -> None:
    config = load(None, TraderConfig)
    assert (config.mode, config.kalshi.host) == (Mode.PAPER, "http://127.0.0.1:8790")
    assert (config.forecast.targets, config.rpc.listen) == (("127.0.0.1:8787",), ("127.0.0.1:8789",))
    assert {series.ticker: (series.step_minutes, series.horizon_steps) for series in config.series} == {
        "KXHIGHNY": (60, 6),
        "KXHIGHCHI": (60, 6),
        "KXHIGHLAX": (60, 6),
        "KXINX": (60, 6),
        "KXBTC": (1, 30),
        "KXETH": (1, 30),
    }


def test_live_takes_both_keys() -> None:
    assert load(None, TraderConfig, LIVE).mode is Mode.LIVE


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["mode=live"], "needs kalshi.key_id"),
        ([*PRODUCTION, "mode=live"], "live.i_accept_real_money"),
        ([*PRODUCTION, "mode=live", "live.i_accept_real_money=true"], "live.confirm_account"),
        ([*LIVE, "live.confirm_account=k-2"], "live.confirm_account"),
        ([*LIVE, "kalshi.environment=demo"], "that is mode demo"),
        ([*LIVE, "kalshi.environment=custom", "kalshi.host=http://127.0.0.1:1"], "live.i_accept_custom_host"),
        ([*PRODUCTION, "mode=demo"], "mode demo needs kalshi.environment"),
        (["mode=demo"], "needs kalshi.key_id"),
        (["mode=swing"], "mode: "),
        (["rules.off=['sidee']"], "there is no rule"),
        (["rules.min_magnitude_cents=-1"], "rules.min_magnitude_cents"),
        (["rules.min_price_cents=96"], "min_price_cents must be below"),
        (["sizes.dollars_per_trade=0"], "sizes.dollars_per_trade"),
        (["sizes.dollars_per_trade=20"], "sizes.max_event_dollars: below dollars_per_trade"),
        (["sizes.max_total_dollars=1e300"], "sizes.max_total_dollars"),
        (["sizes.max_totl_dollars=5"], "did you mean 'max_total_dollars'"),
        (["exits.check_seconds=0"], "exits.check_seconds"),
        (["exits.hold_to_settlement=['KXNONE']"], "KXNONE is none of the series"),
        (["exits.trailing_from_cents=5"], "belong together"),
        (["protections.max_daily_loss_dollars=-5"], "protections.max_daily_loss_dollars"),
        (["scan_seconds=0"], "scan_seconds"),
        (["stop_seconds=60"], "stop_seconds"),
        (["journal_file=paper.sqlite"], "journal_file and paper.file"),
        (["series=[]"], "series"),
        (["series=[{ticker='KXBTC'}, {ticker='KXBTC'}]"], "series: each once"),
        (["series=[{ticker='KXBTC', step_minutes=7}]"], "step_minutes"),
        (['rpc.listen=["0.0.0.0:8789"]'], "needs tls"),
        (["rpc.metrics_listen=0.0.0.0:9103"], "loopback"),
    ],
)
def test_what_cannot_be_is_refused_by_name(overrides: list[str], said: str) -> None:
    assert said in problems(*overrides)


def test_a_simulator_stands_in_for_the_real_exchange_where_somebody_says_so() -> None:
    custom = [*KEY, *LIVE[3:], "kalshi.host=http://127.0.0.1:8790", "live.i_accept_custom_host=true"]
    assert load(None, TraderConfig, custom).kalshi.environment == "custom"


def test_files_are_taken_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "trader.toml").write_text('journal_file = "j.sqlite"\n[notify]\nurl_file = "phone"\n')
    config = load(tmp_path / "trader.toml", TraderConfig)
    assert (config.journal_file, config.notify.url_file) == (tmp_path / "j.sqlite", tmp_path / "phone")
    assert (config.journal, config.kill_switch) == (tmp_path / "j.sqlite", tmp_path / "trader-state" / "stop")


def test_each_mode_has_a_journal_of_its_own() -> None:
    paper, live = load(None, TraderConfig), load(None, TraderConfig, LIVE)
    assert (paper.journal.name, live.journal.name) == ("paper.journal", "live.journal")
    assert paper.journal.parent == live.journal.parent == paper.state_folder


def test_the_digest_tells_configurations_apart() -> None:
    one, same, other = (load(None, TraderConfig, words).digest for words in ([], [], ["scan_seconds=61"]))
    assert one == same != other


def test_every_limit_is_in_the_summary() -> None:
    config = load(None, TraderConfig, ["sizes.max_total_dollars=77"])
    tables = dict(config.limits())
    assert tables["sizes"]["max_total_dollars"] == 77
    assert set(tables) == set(type(config.settings).model_fields)


def test_the_command_checks_a_configuration() -> None:
    done = CliRunner().invoke(main, ["--check-config", "--set", "mode=live"])
    assert done.exit_code == 78
    assert "mode live needs kalshi.key_id" in done.output
    assert CliRunner().invoke(main, ["--check-config"]).exit_code == 0
