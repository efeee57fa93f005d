"""Pages cover a list exactly once, stay within their size, and their tokens belong to one query."""

import base64
import json

import pytest
from foremesh.coordinator.v1 import coordinator_service_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.coordinator.paging import PAGE_BYTES, ListRequest, fill, page_start, page_token, shard_start
from mesh.errors import InvalidInput
from mesh.rpc.validation import violations
from mesh.shards import ShardKey

LONGEST = ShardKey("S" * 64, "E" * 64, 3600)
BY_KEY = pb.ListShardsRequest(series_tickers=["KXHIGHNY"])
BY_SEQUENCE = pb.ListShardsRequest(after_commit_sequence=0)
WORKERS = pb.ListWorkersRequest()


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 2 * PAGE_BYTES), max_size=30), limit=st.integers(1, 7))
def test_pages_cover_the_list_once_and_fit_into_messages(sizes: list[int], limit: int) -> None:
    seen: list[int] = []
    more = bool(sizes)
    while more:
        left = sizes[len(seen) :]
        page, more = fill(left[: limit + 1], lambda size: size, lambda size: size, limit)
        assert 1 <= len(page) <= limit
        assert len(page) == 1 or sum(page) <= PAGE_BYTES
        seen += page
        assert more == (len(seen) < len(sizes))
    assert seen == sizes


def test_an_item_that_is_not_on_the_page_is_not_made_beyond_the_one_that_did_not_fit() -> None:
    made: list[int] = []

    def write(item: int) -> int:
        made.append(item)
        return item

    page, more = fill(range(500), write, lambda _: PAGE_BYTES // 3, 100)
    assert (page, more) == ([0, 1, 2], True)
    assert made == [0, 1, 2, 3]


@pytest.mark.parametrize("position", [str(LONGEST), "KXHIGHNY/KXHIGHNY-26NOV22/60m"])
def test_a_token_leads_to_where_the_page_ended(position: str) -> None:
    request = pb.ListShardsRequest(series_tickers=["KXHIGHNY"], page_token=page_token(BY_KEY, position))
    assert violations(request) == []
    assert shard_start(request) == ShardKey.parse(position)


def test_a_token_by_sequence_leads_to_the_sequence() -> None:
    token = page_token(BY_SEQUENCE, 2**62)
    assert shard_start(pb.ListShardsRequest(after_commit_sequence=0, page_token=token)) == 2**62


def test_the_size_of_a_page_may_change_on_the_way() -> None:
    token = page_token(BY_KEY, str(LONGEST))
    later = pb.ListShardsRequest(series_tickers=["KXHIGHNY"], page_size=7, page_token=token)
    assert shard_start(later) == LONGEST


def test_the_first_page_starts_nowhere() -> None:
    assert shard_start(BY_KEY) is None
    assert page_start(WORKERS) is None


OTHERS: dict[str, ListRequest] = {
    "another series": pb.ListShardsRequest(series_tickers=["KXHIGHCHI"]),
    "all series": pb.ListShardsRequest(),
    "committed only": pb.ListShardsRequest(series_tickers=["KXHIGHNY"], committed_only=True),
    "with holes": pb.ListShardsRequest(series_tickers=["KXHIGHNY"], include_holes=True),
    "by sequence": pb.ListShardsRequest(series_tickers=["KXHIGHNY"], after_commit_sequence=0),
    "workers": pb.ListWorkersRequest(),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_token_of_another_query_is_refused(other: str) -> None:
    asked = OTHERS[other]
    asked.page_token = page_token(BY_KEY, str(LONGEST))
    with pytest.raises(InvalidInput) as caught:
        page_start(asked)
    assert caught.value.reason == "PAGE_TOKEN_INVALID"
    assert [found.field for found in caught.value.violations] == ["page_token"]


def forged(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


DIGEST = json.loads(base64.urlsafe_b64decode(page_token(BY_KEY, "")))[0]


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "äöü",
        "!!!!",
        "[]",
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 300).decode(),
        forged([DIGEST]),
        forged([DIGEST, None]),
        forged([DIGEST, "no shard key"]),
        forged([DIGEST, "../../etc/60m"]),
        forged([DIGEST, 7]),
        forged({"a": 1}),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        shard_start(pb.ListShardsRequest(series_tickers=["KXHIGHNY"], page_token=token))
    assert caught.value.reason == "PAGE_TOKEN_INVALID"


@settings(deadline=None)
@given(token=st.text(min_size=1, max_size=40))
def test_no_text_breaks_the_reader_of_tokens(token: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        shard_start(pb.ListShardsRequest(page_token=token))
    assert caught.value.reason == "PAGE_TOKEN_INVALID"
