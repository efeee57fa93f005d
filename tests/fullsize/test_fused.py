"""torch's real compiler makes our kernels: half a minute, so only who asks runs it."""

import shutil
from pathlib import Path

import pytest
import torch

from forecast_server.models.timesfm25.fused import fuse
from forecast_server.models.timesfm25.network import Network
from forecast_server.models.timesfm25.parameters import arrange
from forecast_server.models.timesfm25.pointwise import Pointwise
from forecast_server.models.timesfm25.weights import read_weights
from tests.fakes.tiny_timesfm import TINY, checkpoint

pytestmark = [
    pytest.mark.fullsize,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default"),  # the compiler's own
    pytest.mark.skipif(shutil.which("g++") is None and not torch.cuda.is_available(), reason="it needs g++ or a GPU"),
]


def test_kernels_of_the_real_compiler_answer_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    tensors = read_weights(checkpoint(tmp_path)).tensors
    network = Network(arrange(tensors, TINY, device, torch.float32), TINY, device, torch.float32)
    assert fuse(network, 1e-5) == ""
    assert network.pointwise != Pointwise()
