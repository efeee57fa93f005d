"""A tiny TimesFM 3.0 with random weights, saved the way the package saves one."""

from pathlib import Path

import torch
from timesfm3 import ResidualBlockConfig, StackedTransformersConfig, TimesFM3Torch, TransformerConfig

_WIDTH, _LAYERS, _HEADS = 64, 2, 4


def tiny_timesfm3(folder: Path, *, seed: int = 3) -> Path:
    """Write config.json and model.safetensors (0.6 MB) to the folder, and give it back."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = TimesFM3Torch(
            residual_block_config=ResidualBlockConfig(
                hidden_dims=_WIDTH, output_dims=_WIDTH, use_bias=False, activation="relu"
            ),
            transformer_config=StackedTransformersConfig(
                num_layers=_LAYERS,
                transformer=TransformerConfig(
                    model_dims=_WIDTH,
                    hidden_dims=_WIDTH,
                    num_heads=_HEADS,
                    attention_norm="rms",
                    feedforward_norm="rms",
                    qk_norm="rms",
                    use_bias=False,
                    use_rope_seq=True,
                    use_rope_var=False,
                    ff_activation="relu",
                    deterministic=True,
                ),
            ),
        )
        # New scales are all one, and with equal scales of queries and keys neighbours would change nothing: trained
        # ones differ.
        for name, parameter in model.named_parameters():
            if name.endswith("_ln.weight"):
                parameter.data.uniform_(0.3, 0.9)
    model.save_pretrained(folder)
    return folder
