"""Telling the owner: priorities, secrets, services that do not take a message."""

import asyncio
import io
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from mesh import log
from mesh.clock import ManualClock
from mesh.config import ConfigError
from mesh.errors import Unavailable
from mesh.secret import Secret
from tests.fakes.kalshi_calls import serving
from tests.fakes.trading import NOON
from trader.config import NotifyConfig
from trader.domain.entries import Notified
from trader.domain.words import Delivery, Urgency
from trader.notifying.heartbeat import Heartbeat
from trader.notifying.log import LogNotifier
from trader.notifying.making import notifier
from trader.notifying.phone import PhoneNotifier, with_priority

PUSHOVER = "pover://user-key-000@token-000/phone"


def notice(urgency: Urgency = Urgency.NORMAL) -> Notified:
    return Notified(
        notification_id="n-1", urgency=urgency, delivery=Delivery.QUEUED, title="bought", text="5 contracts at 56c"
    )


@pytest.mark.parametrize(
    ("urgency", "query"),
    [
        (Urgency.QUIET, {"priority": "low"}),
        (Urgency.NORMAL, {"priority": "normal"}),
        (Urgency.HIGH, {"priority": "high"}),
        (Urgency.EMERGENCY, {"priority": "emergency", "interval": "60", "expire": "3600"}),
    ],
)
def test_pushover_is_told_the_urgency_as_a_priority(urgency: Urgency, query: dict[str, str]) -> None:
    url = URL(with_priority(f"{PUSHOVER}?sound=cash", urgency))
    assert dict(url.query) == query | {"sound": "cash"}
    assert (url.user, url.host, url.path) == ("user-key-000", "token-000", "/phone")


def test_other_services_are_left_as_they_are() -> None:
    for url in ("ntfy://topic", "discord://id/token", "mailto://a:b@example.com"):
        assert with_priority(url, Urgency.EMERGENCY) == url


def test_without_a_file_the_log_is_told() -> None:
    assert isinstance(notifier(NotifyConfig()), LogNotifier)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "phone"
    file.write_text(PUSHOVER)
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="group or others"):
        notifier(NotifyConfig(url_file=file))


def test_without_apprise_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match="apprise is not installed"):
        PhoneNotifier(Secret(PUSHOVER))


@pytest.fixture
async def service() -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """A web hook, as apprise's `json://` calls it; refuses messages with an odd title."""
    got: list[dict[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        message = json.loads(await request.text())
        got.append(message)
        return web.Response(status=500 if message["title"] == "odd" else 200)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"json://127.0.0.1:{runner.addresses[0][1]}/", got
    await runner.cleanup()


async def test_a_message_arrives_and_a_refused_one_is_an_error(service: tuple[str, list[dict[str, str]]]) -> None:
    pytest.importorskip("apprise")
    url, got = service
    phone = PhoneNotifier(Secret(f"{url}\n\n"))
    await phone.send(notice(Urgency.HIGH))
    assert [(each["title"], each["message"], each["type"]) for each in got] == [
        ("bought", "5 contracts at 56c", "warning")
    ]
    odd = Notified(notification_id="n-2", urgency=Urgency.QUIET, delivery=Delivery.QUEUED, title="odd", text="text")
    with pytest.raises(Unavailable):
        await phone.send(odd)


async def test_pushover_is_asked_to_repeat_an_emergency_every_minute_for_an_hour_and_told_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        told.append({name: str(value) for name, value in (await request.post()).items()})
        return web.json_response({"status": 0}, status=500)

    apprise = pytest.importorskip("apprise")
    phone = PhoneNotifier(Secret(PUSHOVER))
    async with serving(take) as host:
        monkeypatch.setattr(apprise.plugins.pushover.NotifyPushover, "notify_url", host)
        with pytest.raises(Unavailable):
            await phone.send(notice(Urgency.EMERGENCY))
    assert [(each["priority"], each["retry"], each["expire"]) for each in told] == [("2", "60", "3600")]


async def test_a_url_that_is_none_is_refused_and_not_shown() -> None:
    pytest.importorskip("apprise")
    with pytest.raises(ConfigError) as refused:
        PhoneNotifier(Secret("nonsense-with-a-token"))
    assert "URL 1" in str(refused.value)
    assert "token" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "pover://thekeyoftheuser@thetokenoftheapp",
        "tgram://123456789:thetokenofthebot/42",
        "tgram://123456789:thetoken of the bot/42",
        "json://theuser:thepassword@127.0.0.1:1/thepath?+Key=thevalueofaheader",
    ],
)
async def test_no_part_of_a_url_is_in_any_log_line(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    apprise = pytest.importorskip("apprise")
    PhoneNotifier(Secret("json://127.0.0.1:1"))  # has apprise load its plugins
    monkeypatch.setattr(apprise.plugins.telegram.NotifyTelegram, "notify_url", "http://127.0.0.1:1/bot")
    monkeypatch.setattr(apprise.plugins.pushover.NotifyPushover, "notify_url", "http://127.0.0.1:1/")
    said = io.StringIO()
    log.configure("json", "debug", said)
    try:
        with suppress(ConfigError, Unavailable):
            await PhoneNotifier(Secret(url)).send(notice(Urgency.HIGH))
    finally:
        log.shutdown()
    assert "apprise" in said.getvalue()
    assert not re.findall("the[a-z]{4,}", said.getvalue())


def test_a_heartbeat_in_the_clear_is_refused() -> None:
    with pytest.raises(ConfigError, match="https"):
        Heartbeat(Secret("http://example.com/secret-of-mine"), lambda: True, ManualClock(NOON))


async def test_a_heartbeat_to_what_is_no_host_at_all_is_tried_again_and_harms_nothing() -> None:
    clock = ManualClock(NOON)
    asked: list[float] = []

    def alive() -> bool:
        asked.append(clock.monotonic())
        return True

    url = Secret(f"https://{'a' * 64}.example/secret-of-mine")
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        beating = tasks.create_task(Heartbeat(url, alive, clock).run())
        while len(asked) < 2:
            await clock.advance(60)
            await asyncio.sleep(0.001)
        beating.cancel()
