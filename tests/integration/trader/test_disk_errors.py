"""The journal on a disk that is full, or fails, at any one of its writes and syncs, or from there on."""

from pathlib import Path

import pytest

from tests.fakes.power.disk import Op
from tests.fakes.power.host import checkpoint_often, host
from tests.fakes.power.recorder import recording
from tests.fakes.trading import NOON
from trader.domain.entries import OrderSent
from trader.journal.errors import FULL, UNUSABLE, JournalError
from trader.journal.store import opened
from trader.journal.verifying import verify

SQLITE_FULL, SQLITE_IOERR_FSYNC = 13, 1034


def lived(root: Path, code: dict[str, int], first: int, last: int) -> tuple[int, str, int]:
    """Append until the journal refuses; returns the last sequence it confirmed, why it ended, and the count of calls.

    The calls from `first` to `last` fail, each kind with its code.
    """
    calls = 0

    def fail(op: Op) -> int:
        nonlocal calls
        calls += op.kind in code
        return code[op.kind] if op.kind in code and first <= calls <= last else 0

    kept, why = 0, ""
    with recording(root) as recorder:
        recorder.fail = fail
        try:
            with opened(root / "j.sqlite") as journal:
                for number in range(5):
                    journal.append(NOON, [OrderSent(client_order_id=f"{number}" * 5000)] * 4)
                    kept = journal.last_sequence
        except JournalError as error:
            why = error.reason
    return kept, why, calls


@pytest.mark.parametrize("lasts", [True, False], ids=["for good", "once"])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ({"write": SQLITE_FULL}, FULL),
        ({"sync": SQLITE_IOERR_FSYNC}, UNUSABLE),
    ],
    ids=["full", "syncs fail"],
)
def test_whatever_write_or_sync_fails_nothing_is_lost_and_no_error_is_passed_over(
    code: dict[str, int], reason: str, lasts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_often(monkeypatch)
    with host() as root:
        whole, why, calls = lived(root, code, 0, 0)
    assert (whole, why) == (20, "")
    refused = 0
    for place in range(1, calls + 1):
        refused += failed(code, reason, whole, place, calls if lasts else place)
    assert refused > 5


def failed(code: dict[str, int], reason: str, whole: int, first: int, last: int) -> bool:
    """Live with calls that fail, start again, and say whether the journal had refused something."""
    with host() as root:
        kept, why, _ = lived(root, code, first, last)
        assert why in {"", reason}
        assert kept == whole or why, "it ended without a word"
        with opened(root / "j.sqlite") as journal:
            assert journal.last_sequence >= kept
            assert journal.last_sequence % 4 == 0
            journal.append(NOON, [OrderSent(client_order_id="next")])
        assert verify(root / "j.sqlite").end.sequence >= kept + 1
    return bool(why)
