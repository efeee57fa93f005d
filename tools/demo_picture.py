"""Make docs/demo.svg: the demo's screen on recorded markets, drawn from a real run while it trades.

python -m tools.demo_picture recorded:DIR
"""

import asyncio
import io
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from console.demo import BEFORE_CLOSE
from console.mesh_demo import sources
from console.mesh_demo.playing import Play
from console.mesh_demo.settings import Plan

FILE = Path(__file__).resolve().parent.parent / "docs" / "demo.svg"
SERIES = ("KXHIGHNY", "KXHIGHCHI")
SECONDS, SHOWN_AT = 90.0, 30.0
WIDTH, HEIGHT = 116, 40


async def main(source: str) -> None:
    """Play, and draw once."""
    markets = sources.recorded(source, SERIES, None)
    plan = Plan(
        source=markets.source,
        series=SERIES,
        model="fracast",
        speed=480.0,
        start=markets.close - BEFORE_CLOSE,
        since=datetime.now(UTC),
        mode="demo",
    )
    picture = Console(record=True, file=io.StringIO(), width=WIDTH, height=HEIGHT, force_terminal=True)

    async def draw(play: Play) -> None:
        while play.screen.elapsed.total_seconds() < SHOWN_AT:  # noqa: ASYNC110  a picture of a moment
            await asyncio.sleep(0.5)
        picture.print(play.screen)
        picture.save_svg(str(FILE), title="foremesh demo")

    with tempfile.TemporaryDirectory() as folder:
        play = Play(plan, SECONDS, Path(folder), Console(stderr=True), draw=False)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(draw(play))
            await play.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
