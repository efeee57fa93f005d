"""What a trader refuses to start with: exit code and words, from the outside."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mesh.config import ConfigError, load
from tests.fakes.exchange_process import BIN
from trader.config import TraderConfig

TABLES = ("rules", "entries", "sizes", "exits", "protections")
BELOW_ZERO = {"rules.min_edge_cents"}
"""An edge may be asked for that is a loss: that is how somebody pays for fills on purpose."""
ZERO = {
    "rules.min_edge_cents": "any gain will do",
    "rules.min_magnitude_cents": "any move will do",
    "rules.max_spread_cents": "only a book without a spread will do, so nothing is bought",
    "rules.edge_uncertainty_share": "the forecast's own doubt does not count",
    "entries.slippage_share": "nothing is paid above the ask",
    "entries.max_slippage_cents": "nothing is paid above the ask",
    "entries.improve_ticks": "it rests at the bid",
    "sizes.min_cash_dollars": "no cash is left alone",
    "exits.grace_seconds": "stops work at once",
    "exits.trailing_from_cents": "a trailing stop works at once",
    "protections.cooldown_seconds": "no cooldown",
    "protections.calibration_min_share": "forecasts may always be wrong",
}
"""Limits that may be zero, and what that says."""


def limits() -> Iterator[str]:
    """Every limit that is a number, by its full name."""
    for table, values in load(None, TraderConfig).limits():
        model = TraderConfig.model_fields[table].annotation
        assert model is not None
        for name, value in values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{table}.{name}"
    yield from ("exits.trailing_from_cents", "exits.trailing_distance_cents", "exits.time_stop_seconds")


def problem(*words: str) -> str:
    """What is wrong with a configuration; empty where nothing is."""
    trailing = ["exits.trailing_from_cents=5", "exits.trailing_distance_cents=3"]
    try:
        load(None, TraderConfig, [*(trailing if words[0].startswith("exits.trailing") else []), *words])
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("limit", tuple(limits()))
def test_a_limit_that_is_negative_zero_huge_no_number_or_misspelled_is_refused_by_name(limit: str) -> None:
    assert (limit in problem(f"{limit}=-0.001")) is (limit not in BELOW_ZERO)
    assert (limit in problem(f"{limit}=0")) is (limit not in ZERO)
    for value in ("1e300", "nan", "inf", "-inf", "true", "'ten'", "[]"):
        assert limit in problem(f"{limit}={value}"), value
    assert f"did you mean '{limit.partition('.')[2]}'" in problem(f"{limit[:-1]}=1")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A good key file that only its owner can read."""
    file = tmp_path / "trader.key"
    file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return file


def ended(folder: Path, *settings: str) -> tuple[int, str]:
    """Start a trader that is to refuse; gives exit code and words."""
    local = ('rpc.listen=["127.0.0.1:0"]', "rpc.metrics_listen=off", "kalshi.host=http://127.0.0.1:9")
    words = [word for setting in (*local, *settings) for word in ("--set", setting)]
    done = subprocess.run(
        [BIN / "foremesh-trader", *words], capture_output=True, text=True, timeout=20, check=False, cwd=folder
    )
    assert "Traceback" not in done.stderr
    assert "frames" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("content", "mode", "said"), [(None, 0o640, "chmod 600"), (b"none\n", 0o600, "is not a PEM private key")]
)
def test_a_key_that_others_may_read_or_that_is_none_is_refused_by_its_files_name(
    tmp_path: Path, key: Path, content: bytes | None, mode: int, said: str
) -> None:
    key.write_bytes(content or key.read_bytes())
    key.chmod(mode)
    code, words = ended(tmp_path, "mode=demo", "kalshi.key_id=k-1", f"kalshi.private_key_file={key}")
    assert code == 78
    assert str(key) in words
    assert said in words


def test_live_without_its_second_key_is_refused_and_nothing_is_left_behind(tmp_path: Path, key: Path) -> None:
    live = ["mode=live", "kalshi.key_id=k-1", f"kalshi.private_key_file={key}", "live.i_accept_real_money=true"]
    code, said = ended(tmp_path, *live, "live.i_accept_custom_host=true")
    assert code == 78
    assert "live.confirm_account" in said
    assert [path.name for path in tmp_path.iterdir()] == [key.name]
