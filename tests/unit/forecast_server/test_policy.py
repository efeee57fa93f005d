"""The policy is data: the first entry that fits decides, and a file that leaves a gap is refused."""

from hashlib import sha256
from pathlib import Path

import pytest

from forecast_server.policy import Policy, read_policy
from forecast_server.types import Confidence
from mesh.config import ConfigError

ROOT = Path(__file__).parents[3]
REST = """
[[exits]]
asset = "Rest"
series_prefix = ""
take_profit_cents = 20.0
stop_loss_cents = 5.0
"""
CONFIDENCE = """
[[confidence]]
asset = "Rest"
series_prefix = ""
rule = "magnitude"
medium = 5.0
medium_high = 10.0
high = 20.0
"""
SHARE = """
[[confidence]]
asset = "Rest"
series_prefix = ""
rule = "quantile_share"
medium = 0.5
medium_high = 0.75
high = 0.9
"""
WHOLE = f'version = "1"\n{REST}{CONFIDENCE}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


def read(file: Path, text: str) -> Policy:
    file.write_text(text)
    return read_policy(file)


@pytest.mark.parametrize(
    ("series", "levels"),
    [
        ("KXHIGHNY", (20, 3)),
        ("KXHIGHCHI", (20, 3)),
        ("KXINX", (30, 5)),
        ("KXINXU", (30, 5)),
        ("KXBTC", (50, 10)),
        ("KXBTCD", (50, 10)),
        ("KXETH", (50, 15)),
        ("KXOTHER", (20, 5)),
        ("", (20, 5)),
        ("kxbtc", (20, 5)),
    ],
)
@pytest.mark.parametrize("magnitude", [0.001, 5.0, 99.0])
def test_the_shipped_levels_are_the_owners(series: str, levels: tuple[float, float], magnitude: float) -> None:
    rule = read_policy(None).rules_of(series).exit_for(magnitude)
    assert (rule.take_profit_cents, rule.stop_loss_cents) == levels


@pytest.mark.parametrize(
    ("series", "bars"),
    [("KXHIGHNY", (5, 10, 20)), ("KXBTC", (8, 20, 40)), ("KXETHD", (8, 20, 40)), ("KXINX", (5, 10, 20))],
)
def test_the_shipped_bars_are_the_predecessors(series: str, bars: tuple[float, float, float]) -> None:
    policy = read_policy(None)
    assert policy.rules_of(series).confidence_at(bars[0] - 0.01) is Confidence.LOW
    reached = (Confidence.MEDIUM, Confidence.MEDIUM_HIGH, Confidence.HIGH)
    for bar, expected in zip(bars, reached, strict=True):
        assert policy.rules_of(series).confidence_at(bar) is expected
        assert policy.rules_of(series).confidence_at(bar + 0.5) is expected


def test_the_digest_is_that_of_the_file() -> None:
    shipped = read_policy(None)
    assert shipped.digest == sha256((ROOT / "forecast_server" / "policy.toml").read_bytes()).hexdigest()
    assert shipped.version == shipped.file.version != ""


def test_any_change_of_the_file_changes_the_digest(file: Path) -> None:
    digests = {
        read(file, text).digest for text in (WHOLE, WHOLE + "\n", WHOLE + "# why\n", WHOLE.replace("5.0", "6.0"))
    }
    assert len(digests) == 4
    assert read(file, WHOLE).digest in digests


def test_the_first_entry_that_fits_decides_even_if_a_later_one_fits_better(file: Path) -> None:
    first = REST.replace('""', '"KX"').replace("20.0", "7.0")
    better = REST.replace('""', '"KXBTC"').replace("20.0", "8.0")
    policy = read(file, f'version = "1"\n{first}{better}{REST}{CONFIDENCE}')
    assert policy.rules_of("KXBTC").exit_for(9.0).take_profit_cents == 7.0
    assert policy.rules_of("OTHER").exit_for(9.0).take_profit_cents == 20.0


def test_a_magnitude_bucket_holds_its_lower_end_and_not_its_upper(file: Path) -> None:
    bucket = REST.replace("take_profit_cents = 20.0", "take_profit_cents = 7.0\nmin_magnitude_cents = 5.0\n") + (
        "max_magnitude_cents = 10.0\n"
    )
    policy = read(file, f'version = "1"\n{bucket}{REST}{CONFIDENCE}')
    found = {
        magnitude: policy.rules_of("KX").exit_for(magnitude).take_profit_cents for magnitude in (4.99, 5.0, 9.99, 10.0)
    }
    assert found == {4.99: 20.0, 5.0: 7.0, 9.99: 7.0, 10.0: 20.0}


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, Confidence.LOW),
        (0.49, Confidence.LOW),
        (0.5, Confidence.MEDIUM),
        (0.75, Confidence.MEDIUM_HIGH),
        (0.9, Confidence.HIGH),
        (1.0, Confidence.HIGH),
    ],
)
def test_confidence_can_be_read_off_the_share_of_quantiles(file: Path, share: float, expected: Confidence) -> None:
    policy = read(file, f'version = "1"\n{REST}{SHARE}')
    assert policy.rules_of("KX").confidence_at(share) is expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "version: is required"),
        ("version = 1", "version"),
        ("not toml", "is not TOML"),
        (WHOLE.replace('"1"', '""'), "version"),
        (WHOLE.replace('"1"', '"a b"'), "version"),
        (f'version = "1"\n{REST}', "confidence: is required"),
        (f'version = "1"\nexits = []\n{CONFIDENCE}', "exits"),
        (WHOLE.replace('series_prefix = ""', 'series_prefix = "KX"', 1), "the last of exits must fit every"),
        (f'version = "1"\n{REST}min_magnitude_cents = 1.0\n{CONFIDENCE}', "the last of exits must fit every"),
        (f'version = "1"\n{REST}max_magnitude_cents = 99.0\n{CONFIDENCE}', "the last of exits must fit every"),
        (f'version = "1"\n{REST}{CONFIDENCE.replace(chr(34) * 2, chr(34) + "K" + chr(34))}', "the last of confidence"),
        (WHOLE.replace("medium_high = 10.0", "medium_high = 4.0"), "bars must ascend"),
        (WHOLE.replace("high = 20.0", "high = 9.0"), "bars must ascend"),
        (WHOLE.replace('"magnitude"', '"luck"'), "rule"),
        (WHOLE.replace("stop_loss_cents = 5.0", "stop_loss_cents = 0.0"), "stop_loss_cents"),
        (WHOLE.replace("stop_loss_cents = 5.0", "stop_loss_cents = -5.0"), "stop_loss_cents"),
        (WHOLE.replace("stop_loss_cents = 5.0", "stop_loss_cents = 100.5"), "stop_loss_cents"),
        (WHOLE.replace("stop_loss_cents = 5.0", "stop_loss_cents = nan"), "stop_loss_cents"),
        (WHOLE.replace("stop_loss_cents = 5.0", "stop_loss_cents = inf"), "stop_loss_cents"),
        (WHOLE.replace("stop_loss_cents = 5.0", 'stop_loss_cents = "5"'), "stop_loss_cents"),
        (WHOLE.replace("stop_loss_cents", "stop_los_cents"), "did you mean 'stop_loss_cents'"),
        (WHOLE.replace('series_prefix = ""', 'series_prefix = "kx"', 1), "series_prefix"),
        (WHOLE + "extra = 1\n", "extra"),
    ],
)
def test_a_file_that_leaves_a_gap_or_cannot_be_meant_is_refused(file: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(file, text)
    assert problem in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_said(file: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_policy(file)


def test_a_bucket_that_nothing_fits_into_is_refused(file: Path) -> None:
    empty = REST + "min_magnitude_cents = 5.0\nmax_magnitude_cents = 5.0\n"
    with pytest.raises(ConfigError, match="never fits"):
        read(file, f'version = "1"\n{empty}{REST}{CONFIDENCE}')
