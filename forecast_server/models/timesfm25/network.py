"""One pass of TimesFM 2.5, computing what the answer needs and nothing else.

The published package pads every series to the longest context, keeps caches and masks for decoding, runs its heads on
every patch, and runs it all again on the negated series. For a horizon that one pass reaches, none of it changes the
answer. Here the tokens of all series follow each other without padding, a series and its negative are rows of the same
pass, only attention looks at series one by one, and the last layer's queries and the heads see the last patch alone.
Nothing waits for the device before the result is there.
"""

import torch
from torch.nn import functional

from forecast_server.models.timesfm25.layout import Layout
from forecast_server.models.timesfm25.packing import Group
from forecast_server.models.timesfm25.parameters import Layer, Parameters
from forecast_server.models.timesfm25.pointwise import Pointwise
from forecast_server.models.timesfm25.statistics import normalise
from forecast_server.models.timesfm25.weights import OUTPUTS, Sizes

_LONGEST_TURN = 10_000.0
_MOST_PATCHES = 1024
"""Of a series."""
_CENTRE = 4
"""Place of the median among the nine quantiles."""


class Network:
    """The lean forward pass. The residual stream is float32, matrices are multiplied in the weights' type."""

    def __init__(self, parameters: Parameters, sizes: Sizes, device: torch.device, dtype: torch.dtype) -> None:
        self.sizes, self.device = sizes, device
        self.pointwise = Pointwise()
        """How tokens are worked on between matrices; may be exchanged."""
        self._parameters, self._dtype = parameters, dtype
        half = sizes.head // 2
        scale = _LONGEST_TURN ** (2 * torch.arange(half) / sizes.head)
        angle = torch.arange(_MOST_PATCHES, dtype=torch.float32)[:, None] / scale
        # [patches, 1, head / 2, 2]: how far a position turns queries and keys, as cosine and sine.
        self._turns = torch.stack((angle.cos(), angle.sin()), dim=-1).to(device)[:, None]
        # The same series in a row of ones and minus ones: values change their sign, what is missing stays missing.
        self._signs = torch.ones(2, 1, 1, 2 * sizes.patch, device=device)
        self._signs[1, ..., : sizes.patch] = -1

    @torch.inference_mode()
    def forward(
        self, values: torch.Tensor, fill: torch.Tensor, last: torch.Tensor, layout: Layout, horizon_steps: int
    ) -> torch.Tensor:
        """Forecast.

        Args:
            values: [series, patches × patch], float32; on the CPU where the device knows no float64.
            fill: [series], as in `Packed`, beside the values.
            last: [series]: last patch, beside the values.
            layout: Of the same series, in the same order.
            horizon_steps: At most what one pass reaches.

        Returns:
            [series, horizon, 9]: the quantiles 0.1 to 0.9 in the series' unit, which may cross.
        """
        seen = normalise(values, fill, self.sizes.patch)
        here = (torch.arange(len(last), device=last.device), last)
        mean, deviation = (part[here].to(self.device)[:, None, None] for part in (seen.mean, seen.deviation))
        last = last.to(self.device)
        state = self._last_states(self._tokens(seen.features.to(self.device), layout), last, layout)
        median = self._parameters.median(state, horizon_steps)[..., None]
        quantiles = self._parameters.quantiles(state, horizon_steps * (OUTPUTS - 1)).view(
            -1, horizon_steps, OUTPUTS - 1
        )
        median, quantiles = _unflipped(median), _unflipped(quantiles)
        return (quantiles - quantiles[..., _CENTRE : _CENTRE + 1] + median) * deviation + mean

    def _tokens(self, features: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Embed: [series, patches, 2 × patch] to [tokens, width], float32."""
        both = features * self._signs
        parts, series = [], 0
        for group in layout.groups:
            parts.append(both[:, series : series + group.rows, : group.patches].flatten(0, 2))
            series += group.rows
        tokens = torch.cat(parts).to(self._dtype)
        embedded = self._parameters.tokenizer_output(self._parameters.tokenizer_hidden(tokens))
        return embedded.float().add_(self._parameters.tokenizer_residual(tokens))

    def _last_states(self, stream: torch.Tensor, last: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Run the layers: [tokens, width] to the last patches' states, [2 × series, width], negatives after."""
        turn, apply = self._turns[layout.positions], self.pointwise
        *full, final = self._parameters.layers
        for layer in full:
            mixed = layer.query_key_value(apply.scaled(stream, self._dtype))
            query, key, value = mixed.chunk(3, dim=1)
            query, key = apply.turned(query, turn, layer.query_scale), apply.turned(key, turn, None)
            self._finish(stream, _attended(query, key, self._by_head(value), layout), layer)
        ends = (layout.first + last).flatten()
        scaled = apply.scaled(stream, self._dtype)
        query = apply.turned(self._parameters.last_query(scaled[ends]), turn[ends], final.query_scale)
        key, value = final.query_key_value(scaled).chunk(2, dim=1)
        key = apply.turned(key, turn, None)
        stream = stream[ends]
        self._finish(stream, _attended_by_last(query, key, self._by_head(value), last, layout), final)
        return stream

    def _by_head(self, mixed: torch.Tensor) -> torch.Tensor:
        return mixed.view(len(mixed), self.sizes.heads, self.sizes.head)

    def _finish(self, stream: torch.Tensor, attended: torch.Tensor, layer: Layer) -> None:
        """Add both branches of a layer to the stream, in place."""
        self.pointwise.add_scaled(stream, layer.out(attended), layer.out_scale)
        branch = layer.down(layer.up(self.pointwise.scaled(stream, self._dtype)))
        self.pointwise.add_scaled(stream, branch, layer.down_scale)


def _attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Let every token look at those before it in its series: [tokens, heads, head] to [tokens, width]."""
    parts, begin = [], 0
    for group in layout.groups:
        tokens = slice(begin, begin + group.tokens)
        begin = tokens.stop
        if group.patches == 1:  # each sees itself alone
            parts.append(value[tokens].flatten(1))
            continue
        asking, asked, given = (_by_series(part[tokens], group) for part in (query, key, value))
        seen = functional.scaled_dot_product_attention(asking, asked, given, is_causal=True, scale=1.0)
        parts.append(seen.transpose(1, 2).flatten(2).flatten(0, 1))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _attended_by_last(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, last: torch.Tensor, layout: Layout
) -> torch.Tensor:
    """Let the last patch of each series look at its series: query [2 × series, heads, head] to [2 × series, width]."""
    parts, begin, series = [], 0, 0
    lasts = query.view(2, -1, *query.shape[1:])
    for group in layout.groups:
        tokens = slice(begin, begin + group.tokens)
        begin = tokens.stop
        asking = lasts[:, series : series + group.rows].flatten(0, 1).unsqueeze(2)
        series += group.rows
        asked, given = (_by_series(part[tokens], group) for part in (key, value))
        mask = None
        if layout.padded:
            mask = (torch.arange(group.patches, device=last.device) <= last[:, None]).repeat(2, 1)[:, None, None]
        seen = functional.scaled_dot_product_attention(asking, asked, given, attn_mask=mask, scale=1.0)
        parts.append(seen.reshape(2, group.rows, -1))
    return torch.cat(parts, dim=1).flatten(0, 1)


def _by_series(tokens: torch.Tensor, group: Group) -> torch.Tensor:
    """View [tokens of a group, heads, head] as [2 × series, heads, patches, head]."""
    return tokens.view(-1, group.patches, *tokens.shape[1:]).transpose(1, 2)


def _unflipped(both: torch.Tensor) -> torch.Tensor:
    """Average series and negatives: [2 × series, steps, outputs], where low quantiles of the negative are high ones."""
    plus, minus = both.chunk(2)
    return torch.sub(plus, minus.flip(-1)).div_(2)
