"""URLs: ids that lead elsewhere never get into one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from mesh.kalshi.errors import RequestRefused
from mesh.kalshi.transport.paths import url_of

BASE = URL("https://external-api.kalshi.com/trade-api/v2")


def test_a_ticker_stays_as_it_is() -> None:
    url = url_of(BASE, "/markets/KXETH-26JUL1002-T2489.99/orderbook", {"depth": 0})
    assert str(url) == f"{BASE}/markets/KXETH-26JUL1002-T2489.99/orderbook?depth=0"
    assert url.raw_path == "/trade-api/v2/markets/KXETH-26JUL1002-T2489.99/orderbook"


def test_query_values() -> None:
    url = url_of(
        BASE, "/markets", {"a": ["x", "y"], "b": True, "c": False, "d": None, "e": 5, "f": "p&q=r+s #", "g": ()}
    )
    assert list(url.query.items()) == [
        ("a", "x"), ("a", "y"), ("b", "true"), ("c", "false"), ("e", "5"), ("f", "p&q=r+s #"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "/portfolio/events/orders/",
        "/portfolio//orders",
        "portfolio",
        "",
        "/",
        "/markets/../portfolio",
        "/markets/.",
        "/markets/a b",
        "/markets/a?b=c",
        "/markets/a#b",
        "/markets/a%2Fb",
        "/markets/a\nb",
        "/markets/é",
        "/markets/a\\b",
    ],
)
def test_paths_that_lead_elsewhere_are_refused(path: str) -> None:
    with pytest.raises(RequestRefused):
        url_of(BASE, path, {})


@given(st.text(max_size=20))
def test_an_id_is_one_part_of_the_path_or_refused(text: str) -> None:
    if "/" in text:
        return
    try:
        url = url_of(BASE, f"/portfolio/events/orders/{text}", {})
    except RequestRefused:
        return
    assert url.raw_path == f"/trade-api/v2/portfolio/events/orders/{text}"
    assert url.raw_query_string == ""
    assert url.origin() == BASE.origin()
