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
from forecast_server.models.timesfm25.statistics import normalise
from forecast_server.models.timesfm25.weights import OUTPUTS, Sizes

_EPSILON = 1e-6
_LONGEST_TURN = 10_000.0
_MOST_PATCHES = 512
"""Of a series: the published context limit."""
_CENTRE = 4
"""Place of the median among the nine quantiles."""


class Network:
    """The lean forward pass. The residual stream is float32, matrices are multiplied in the weights' type."""

    def __init__(self, parameters: Parameters, sizes: Sizes, device: torch.device, dtype: torch.dtype) -> None:
        self.sizes, self.device = sizes, device
        self._parameters, self._dtype = parameters, dtype
        half = sizes.head // 2
        scale = _LONGEST_TURN ** (2 * torch.arange(half) / sizes.head)
        angle = torch.arange(_MOST_PATCHES, dtype=torch.float32)[:, None] / scale
        # [patches, 1, head / 2], complex: how far a position turns queries and keys.
        self._turns = torch.complex(angle.cos(), angle.sin()).to(device)[:, None]
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
        turn = self._turns[layout.positions]
        *full, final = self._parameters.layers
        width = self.sizes.width
        for layer in full:
            mixed = layer.query_key_value(self._scaled(stream))
            turned, value = self._turned(mixed[:, : 2 * width], turn), self._by_head(mixed[:, 2 * width :])
            query, key = turned.chunk(2, dim=1)
            query = query.mul_(layer.query_scale).to(self._dtype)
            self._finish(stream, _attended(query, key.to(self._dtype), value, layout), layer)
        ends = (layout.first + last).flatten()
        scaled = self._scaled(stream)
        mixed = final.query_key_value(scaled)
        key, value = self._turned(mixed[:, :width], turn).to(self._dtype), self._by_head(mixed[:, width:])
        query = self._turned(self._parameters.last_query(scaled[ends]), turn[ends])
        query = query.mul_(final.query_scale).to(self._dtype)
        stream = stream[ends]
        self._finish(stream, _attended_by_last(query, key, value, last, layout), final)
        return stream

    def _scaled(self, stream: torch.Tensor) -> torch.Tensor:
        """Scale each token to a root mean square of one, in the type of the matrices."""
        return torch.mul(stream, _inverse_rms(stream), out=torch.empty_like(stream, dtype=self._dtype))

    def _turned(self, mixed: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
        """Turn by position and scale to a root mean square of one: [tokens, heads × head] to [tokens, heads, head].

        float32; may overwrite what it is given. Turning changes no length, so either may come first.
        """
        pairs = torch.view_as_complex(mixed.float().view(len(mixed), -1, self.sizes.head // 2, 2))
        turned = torch.view_as_real(pairs.mul_(turn)).flatten(2)
        return turned.mul_(_inverse_rms(turned))

    def _by_head(self, mixed: torch.Tensor) -> torch.Tensor:
        return mixed.view(len(mixed), self.sizes.heads, self.sizes.head)

    def _finish(self, stream: torch.Tensor, attended: torch.Tensor, layer: Layer) -> None:
        """Add both branches of a layer to the stream, in place."""
        _add_scaled(stream, layer.out(attended), layer.out_scale)
        _add_scaled(stream, layer.down(layer.up(self._scaled(stream))), layer.down_scale)


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


def _inverse_rms(rows: torch.Tensor) -> torch.Tensor:
    length = torch.linalg.vector_norm(rows, dim=-1, keepdim=True, dtype=torch.float32)
    return length.square_().div_(rows.shape[-1]).add_(_EPSILON).rsqrt_()


def _add_scaled(stream: torch.Tensor, branch: torch.Tensor, scale: torch.Tensor) -> None:
    """Scale a branch to a root mean square of one, then by `scale`, and add it to the stream, in place."""
    inverse = _inverse_rms(branch)
    stream.addcmul_(branch.mul_(inverse) if branch.dtype == torch.float32 else branch * inverse, scale)


def _unflipped(both: torch.Tensor) -> torch.Tensor:
    """Average series and negatives: [2 × series, steps, outputs], where low quantiles of the negative are high ones."""
    plus, minus = both.chunk(2)
    return torch.sub(plus, minus.flip(-1)).div_(2)
