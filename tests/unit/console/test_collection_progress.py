"""What `foremesh status` makes of a coordinator's progress."""

import json
from datetime import timedelta

import pytest
from foremesh.coordinator.v1 import progress_pb2, shard_pb2, worker_pb2
from google.protobuf.json_format import ParseDict
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from console import status
from console.collection.progress import Tables, state
from console.collection.progress_watch import Heard
from console.collection.words import count, plain
from mesh.errors import Denied, Unavailable
from mesh.rpc.config import ClientConfig
from tests.fakes.progress_snapshots import lease, series, snapshot

CLIENT = ClientConfig(targets=("127.0.0.1:8788",))


def drawn(progress: progress_pb2.Progress, width: int = 100) -> list[str]:
    console = Console(width=width, record=True, file=open("/dev/null", "w"), color_system=None)  # noqa: SIM115
    with console.file:
        console.print(Tables(progress))
        return [line.rstrip() for line in console.export_text().split("\n")]


def line_of(progress: progress_pb2.Progress, start: str, width: int = 100) -> list[str]:
    [line] = [line for line in drawn(progress, width) if line.strip().startswith(start)]
    return line.split()


def test_collection_is_summed_up_in_a_line() -> None:
    assert state(snapshot()) == "collecting, 2 nodes, 15 leases, 41 % committed, 40 due, 1 d 2 h left"


def test_where_nothing_is_due_it_is_said_when_something_will_be() -> None:
    progress = snapshot()
    del progress.series[0], progress.series[1:]
    assert line_of(progress, "KXHIGHNY")[-4:] == ["due", "in", "12", "min"]
    progress.next_due_after.FromSeconds(760)
    assert state(progress).endswith("100 % committed, nothing due for 12 min")
    progress.series[0].ClearField("next_due_after")
    progress.ClearField("next_due_after")
    assert state(progress).endswith("100 % committed, nothing due")
    assert line_of(progress, "KXHIGHNY")[-2:] == ["0", "s"]


def test_where_the_rate_is_not_known_yet_no_time_is_made_up() -> None:
    progress = snapshot()
    progress.ClearField("estimated_remaining")
    assert state(progress).endswith("40 due, ? left")


def test_each_series_has_its_bar_its_counts_its_holes_and_what_is_left() -> None:
    found = line_of(snapshot(), "KXBTC  ", 110)

    assert " ".join(found) == "KXBTC 1m ━━━ 2,042 of 7,340 120 in 31 0 412 M 3.5 GiB 1 d 2 h"


def test_a_total_that_is_not_known_is_not_made_up() -> None:
    assert line_of(snapshot(), "KXINX")[:5] == ["KXINX", "60m", "973", "of", "?"]
    assert line_of(snapshot(), "KXINX")[-1] == "?"
    assert line_of(snapshot(), "all")[:4] == ["all", "4,673", "of", "?"]


def test_each_node_has_its_state_its_budget_and_its_last_word() -> None:
    found = line_of(snapshot(), "ec2", 160)

    assert found == [
        "ec2", "slow", "5", "1,234", "512", "━━━╸", "3.2", "of", "10.0", "7", "3", "s", "ago", "21.0", "GiB",
        "address", "ec2-line", "0.1.0", "ec2:8791",
    ]  # fmt: skip
    assert line_of(snapshot(), "mini")[:2] == ["mini", "LOST"]


def test_a_node_that_has_said_nothing_yet_has_no_figures() -> None:
    progress = progress_pb2.Progress(workers=[worker_pb2.Worker(worker_id="new", state=worker_pb2.WORKER_STATE_ACTIVE)])

    assert line_of(progress, "new") == ["new", "active", "0", "0", "?", "?", "0", "not", "yet", "?"]


def test_leases_that_stand_still_come_first_and_say_so() -> None:
    lines = drawn(snapshot())

    place = next(number for number, line in enumerate(lines) if line.strip().startswith("lease "))
    assert "fetching, still for 6 min" in lines[place + 1]
    assert "and 3 leases more" in lines[place + 13]


def test_a_lease_that_is_asked_back_says_so() -> None:
    progress = progress_pb2.Progress(leases=[lease("KXA-1", revoked=True)])

    assert "fetching, asked back" in "\n".join(drawn(progress))


def test_a_coordinator_without_nodes_or_series_says_what_to_do() -> None:
    text = "\n".join(drawn(progress_pb2.Progress()))

    assert "no series is configured" in text
    assert "foremesh-collector" in text
    assert state(progress_pb2.Progress()) == "no series"
    assert (
        state(progress_pb2.Progress(series=[series("KXA", 60, committed=0, total=0)])) == "no nodes, nothing committed"
    )


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160, 240])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, drawn(snapshot(), width))) <= width


@pytest.mark.parametrize(("width", "shown"), [(80, False), (160, True)])
def test_a_wider_terminal_shows_more(width: int, shown: bool) -> None:
    assert any("serves files at" in line for line in drawn(snapshot(), width)) is shown
    assert any("committed" in line and "holes" in line for line in drawn(snapshot(), width))


def test_hostile_texts_do_nothing_to_the_terminal() -> None:
    progress = snapshot()
    progress.series[0].series_ticker = "[red]KX\x1b[2J\x07" + "x" * 500
    progress.workers[0].worker_id = "[link=http://x]\nspark\x9b"
    progress.workers[0].software_version = "\x1b]0;title\x07"
    progress.leases[0].progress.lease.shard_key.event_ticker = "\r\n\x1b[1;1H"

    for width in (60, 100, 200):
        text = "\n".join(drawn(progress, width))
        assert all(character.isprintable() or character == "\n" for character in text)
    assert "[red]KX" in text
    assert "[link=http://x]" in text


def test_enums_and_times_of_a_newer_coordinator_are_shown_as_unknown() -> None:
    progress = snapshot()
    progress.workers[0].state = 77  # type: ignore[assignment]  # the wire may carry any number
    progress.leases[0].purpose = 77  # type: ignore[assignment]
    progress.leases[0].progress.stage = 77  # type: ignore[assignment]
    progress.workers[0].heartbeat_age.seconds = 2**62
    progress.leases[0].held.nanos = -5
    progress.series[0].candle_step.seconds = 7
    progress.series[0].list_time.CopyFrom(Timestamp(seconds=2**62))
    text = "\n".join(drawn(progress, 160))

    assert "state 77" in text
    assert "? ago" in text
    assert "7 s" in text
    document = status.collection_view(CLIENT, Heard(progress=progress), needed=True).document
    assert "cannot be read" in document["problem"]


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**31 - 1), st.none() | st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1), st.integers(40, 200)
)
def test_any_counts_can_be_drawn(committed: int, total: int | None, rows: int, width: int) -> None:
    progress = progress_pb2.Progress(series=[series("KXA", 60, committed=committed, total=total)])
    progress.series[0].row_count = progress.series[0].size_bytes = rows

    assert max(map(len, drawn(progress, width))) <= width
    assert state(progress)


def test_programs_get_the_whole_progress() -> None:
    section = status.collection_view(CLIENT, Heard(progress=snapshot()), needed=True)
    document = json.loads(json.dumps(status.document([section])))

    [found] = document["coordinator"]
    assert (found["target"], found["state"]) == ("127.0.0.1:8788", "collecting")
    assert ParseDict(found["progress"], progress_pb2.Progress()) == snapshot()


def test_a_coordinator_that_nobody_named_may_be_absent() -> None:
    away = Heard(problem=Unavailable("Connection refused"))
    unnamed, named = (status.collection_view(CLIENT, away, needed=needed) for needed in (False, True))

    assert (unnamed.well, unnamed.state) == (True, "not there")
    assert (named.well, named.state) == (False, "away")
    assert "no coordinator answers at 127.0.0.1:8788; start one with foremesh-coordinator" in unnamed.rows[0][1]


def test_a_coordinator_that_went_away_leaves_what_it_said_with_its_age() -> None:
    heard = Heard(progress=snapshot(), age=timedelta(seconds=72), problem=Unavailable("Connection refused"))
    section = status.collection_view(CLIENT, heard, needed=False)

    assert section.state == "away, as of 1 min 12 s ago"
    assert section.body is not None
    assert section.document["age_seconds"] == 72


def test_a_refusal_is_passed_on_whether_or_not_the_coordinator_was_named() -> None:
    refused = Heard(problem=Denied("a trader may not"))

    assert status.collection_view(CLIENT, refused, needed=False).state == "away"
    assert "a trader may not" in status.collection_view(CLIENT, refused, needed=True).rows[0][1]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999_999, "999,999"), (1_000_000, "1.0 M"), (99_949_999, "99.9 M"), (123_456_789, "123 M"),
     (2_500_000_000, "2.5 G"), (2**63, "9,223 P")],
)  # fmt: skip
def test_large_counts_are_told_in_short(number: int, text: str) -> None:
    assert count(number) == text


def test_texts_of_others_lose_their_control_characters() -> None:
    assert plain("a\x1b[31mb\u202ec\n") == "a?[31mb?c?"


def test_every_purpose_and_stage_of_the_contract_has_words() -> None:
    for purpose in shard_pb2.LeasePurpose.keys():  # noqa: SIM118  an enum, no mapping
        for stage in shard_pb2.LeaseStage.keys():  # noqa: SIM118
            made = lease("KXA-1")
            progress = shard_pb2.LeaseProgress(stage=stage)
            made.MergeFrom(shard_pb2.LeaseStatus(purpose=purpose, progress=progress))
            text = "\n".join(drawn(progress_pb2.Progress(leases=[made]), 120))
            assert "KXA-1" in text
            assert "_" not in text
