"""Every name under which a defect is counted is explained."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULES = ("survey", "listing", "shard_rows", "strips", "loading", "outcomes", "observed", "tape")
_NOTED = re.compile(r'"([a-z]+(?:_[a-z]+)+)"')


def test_every_defect_of_loading_is_in_the_documentation() -> None:
    said = (ROOT / "docs" / "recorded-events.md").read_text()
    noted = {
        name
        for module in MODULES
        for line in (ROOT / "research" / f"{module}.py").read_text().splitlines()
        if re.search(r"note\(|_drop\(", line)
        for name in _NOTED.findall(line)
    }
    assert len(noted) > 25
    assert sorted(name for name in noted if f"`{name}`" not in said) == []
