"""Every name under which a defect is counted is explained."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("recorded-events", "research")
_NOTED = re.compile(r'"([a-z]+(?:_[a-z]+)+)"')


def test_every_defect_is_in_the_documentation() -> None:
    said = "".join((ROOT / "docs" / f"{page}.md").read_text() for page in PAGES)
    noted = {
        name
        for module in (ROOT / "research").rglob("*.py")
        for line in module.read_text().splitlines()
        if re.search(r"note\(|_dropped\(", line)
        for name in _NOTED.findall(line)
    }
    assert len(noted) > 35
    assert sorted(name for name in noted if f"`{name}`" not in said) == []
