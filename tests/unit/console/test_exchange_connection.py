"""Which exchange the options name, and what is said when it does not answer."""

from pathlib import Path

import pytest

from console.connection import OptionError
from console.exchange_connection import exchange_config, exchange_words
from mesh.kalshi.config import KalshiConfig
from mesh.kalshi.errors import NotConnected, RateLimited

FILE = """
environment = "production"
key_id = "mine"
private_key_file = "mine.key"
unauthenticated_per_second = 1.0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kalshi.toml"
    path.write_text(FILE)
    return path


def test_without_options_it_is_the_exchanges_demo_without_a_key() -> None:
    config = exchange_config(None, {"environment": None, "host": None})

    assert (config.environment, config.key_id) == ("demo", None)


def test_a_host_is_enough_to_name_a_simulator() -> None:
    config = exchange_config(None, {"environment": None, "host": "http://127.0.0.1:8790"})

    assert (config.environment, config.rest_url) == ("custom", "http://127.0.0.1:8790/trade-api/v2")


def test_a_file_is_taken_as_it_is(file: Path) -> None:
    config = exchange_config(file, {"environment": "production", "host": None})

    assert (config.environment, config.key_id) == ("production", "mine")
    assert config.private_key_file == file.parent / "mine.key"


@pytest.mark.parametrize("options", [{"environment": "demo"}, {"host": "http://127.0.0.1:1"}])
def test_another_exchange_than_the_files_never_sees_the_files_key(file: Path, options: dict[str, str]) -> None:
    config = exchange_config(file, options)

    assert (config.key_id, config.private_key_file) == (None, None)
    assert config.unauthenticated_per_second == 1.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "http://mesh.example"}, "--host: must be encrypted"),
        ({"host": "127.0.0.1:8790"}, "--host: must be http"),
        ({"environment": "custom"}, "belong together"),
        ({"environment": "production", "host": "http://127.0.0.1:1"}, "belong together"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_a_line(options: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        exchange_config(None, options)


def test_an_exchange_that_is_not_there_is_told_with_what_to_do() -> None:
    simulator = KalshiConfig(environment="custom", host="http://127.0.0.1:1")
    error = NotConnected("GET /markets: SomeError: Cannot connect", request="GET /markets")

    said = exchange_words(error, simulator)

    assert said.startswith("no exchange answers at http://127.0.0.1:1/trade-api/v2; start one with foremesh-exchange")
    assert said.endswith(": Cannot connect")
    assert "foremesh-exchange" not in exchange_words(error, KalshiConfig())


def test_what_the_exchange_itself_says_is_passed_on() -> None:
    said = exchange_words(RateLimited("too\nmany"), KalshiConfig())

    assert said == "the exchange at https://external-api.demo.kalshi.co/trade-api/v2: RATE_LIMITED: too many"
