"""`foremesh models fetch` against a hub on a real socket: what it downloads, and what it says where it cannot."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.conftest import ROOT

COMMIT = "c" * 40
WEIGHTS = b"weights " * 1000
DIGEST = sha256(WEIGHTS).hexdigest()
REPOSITORY = "google/timesfm-2.5-200m-pytorch"


@dataclass
class Hub:
    """Answers as the hub does; small files have no SHA-256 of their own there."""

    files: dict[str, bytes] = field(default_factory=lambda: {"model.safetensors": WEIGHTS, "README.md": b"hello"})
    stated_sha256: str = DIGEST
    refusal: tuple[int, str] | None = None
    """Status and `X-Error-Code` of every answer."""
    downloaded: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """Give status, headers and body."""
        place = path.partition("?")[0]
        if self.refusal is not None:
            return self.refusal[0], {"X-Error-Code": self.refusal[1]}, b"{}"
        if place.startswith(f"/api/models/{REPOSITORY}/revision/main"):
            siblings = [{"rfilename": name, **self._entry(name, "sha256")} for name in self.files]
            return 200, {}, json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": siblings}).encode()
        if place == f"/api/models/{REPOSITORY}/tree/{COMMIT}":
            tree = [{"type": "file", "path": name, "oid": "b" * 40, **self._entry(name, "oid")} for name in self.files]
            return 200, {}, json.dumps(tree).encode()
        name = place.rpartition("/")[2]
        if place == f"/{REPOSITORY}/resolve/{COMMIT}/{name}" and name in self.files:
            if method == "GET":
                self.downloaded.append(name)
            return 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{self.stated_sha256}"'}, self.files[name]
        return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"

    def _entry(self, name: str, digest: str) -> dict[str, object]:
        size = len(self.files[name])
        large = {"lfs": {digest: self.stated_sha256, "size": size, "pointerSize": 134}}
        return {"size": size, **(large if name.endswith(".safetensors") else {})}


@contextmanager
def listening(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = hub.answer(self.command, self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # the server finds methods by these names

        def log_message(self, *_: object) -> None:
            """Be silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with listening(Hub()) as one:
        yield one


def foremesh_models(hub: Hub | None, home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: the hub's library reads its variables once."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-c", "from console.models import models; models(prog_name='foremesh models')", *arguments],
        cwd=ROOT,
        env={
            **environment,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}",
            "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:9",  # port 9 discards; nobody listens there
            "HF_HOME": str(home),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_fetched_weights_are_found_afterwards_and_are_whole(hub: Hub, tmp_path: Path) -> None:
    fetched = foremesh_models(hub, tmp_path, "fetch", "timesfm-2.5", "--json")
    document = json.loads(fetched.stdout)
    verified = json.loads(foremesh_models(None, tmp_path, "verify", "timesfm-2.5", "--json").stdout)

    assert hub.downloaded == ["model.safetensors"]
    assert f"{REPOSITORY} at {COMMIT[:12]}: model.safetensors 0.0 MB. Licence: Apache-2.0." in fetched.stderr
    assert (document["sha256"], document["problems"]) == (DIGEST, [])
    assert document["expected"] == {"the hub's record": DIGEST, "the hub": DIGEST}
    assert verified["file"] == document["file"]
    assert Path(document["file"]).is_relative_to(tmp_path)


def test_a_second_fetch_downloads_nothing(hub: Hub, tmp_path: Path) -> None:
    for _ in range(2):
        assert foremesh_models(hub, tmp_path, "fetch", "timesfm-2.5").returncode == 0
    assert hub.downloaded == ["model.safetensors"]


def test_weights_fetched_to_a_folder_come_with_the_settings_that_serve_them(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "timesfm"
    fetched = foremesh_models(hub, tmp_path / "home", "fetch", "timesfm-2.5", "--to", str(folder))
    verified = foremesh_models(None, tmp_path / "home", "verify", str(folder))

    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert f'checkpoint = "{folder}"' in fetched.stdout
    assert f'weights_sha256 = "{DIGEST}"' in fetched.stdout
    assert "As stated by the hub's record" in verified.stdout


def test_weights_that_are_not_what_the_hub_states_are_refused(hub: Hub, tmp_path: Path) -> None:
    hub.stated_sha256 = "0" * 64
    result = foremesh_models(hub, tmp_path, "fetch", "timesfm-2.5")
    assert result.returncode == 1
    assert f"the hub says {'0' * 64}" in result.stderr
    assert "is damaged" in result.stderr


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ((403, "GatedRepo"), f"accepted its licence: do so at https://huggingface.co/{REPOSITORY}"),
        ((401, "GatedRepo"), "accepted its licence"),
        ((401, "RepoNotFound"), f"the hub shows no {REPOSITORY} to you"),
        ((404, "RepoNotFound"), f"the hub shows no {REPOSITORY} to you"),
        ((404, "RevisionNotFound"), f"{REPOSITORY} has no revision main"),
        ((500, ""), f"cannot fetch {REPOSITORY}"),
    ],
)
def test_a_refusal_of_the_hub_is_one_line_that_says_what_to_do(
    hub: Hub, tmp_path: Path, refusal: tuple[int, str], reason: str
) -> None:
    hub.refusal = refusal
    result = foremesh_models(hub, tmp_path, "fetch", "timesfm-2.5")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert reason in result.stderr


def test_a_repository_without_the_file_is_said_before_anything_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    del hub.files["model.safetensors"]
    result = foremesh_models(hub, tmp_path, "fetch", "timesfm-2.5")
    assert f"{REPOSITORY} has no model.safetensors at main" in result.stderr
    assert hub.downloaded == []


@pytest.mark.parametrize("offline", ["0", "1"])
def test_without_a_network_a_copy_in_the_cache_is_not_taken_for_an_answer(
    hub: Hub, tmp_path: Path, offline: str
) -> None:
    assert foremesh_models(hub, tmp_path, "fetch", "timesfm-2.5").returncode == 0
    result = foremesh_models(None, tmp_path, "fetch", "timesfm-2.5", HF_HUB_OFFLINE=offline)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert ("HF_HUB_OFFLINE is set" if offline == "1" else "ConnectError") in result.stderr
