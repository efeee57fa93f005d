"""How many contracts wait at each price. Pure.

Every price of a market has its own size, which now and then becomes another; some prices have none. Nearer to the best
price there is less; at the very ends of the range, where a contract costs a cent, there is most.
"""

from dataclasses import dataclass

import numpy as np

from sim_exchange.sources.generated.arrays import Bools, Floats, Ints
from sim_exchange.sources.generated.quotes import NO_ASK

_CONTRACT = 100  # hundredths
_SIZES = 8  # different sizes that a price takes in turn
_SPREAD = 1.25  # log standard deviation of sizes
_EMPTY = 0.2  # share of prices with no order
_FRACTIONAL = 0.3  # share of sizes that are not whole contracts
_SLOWNESS = 3  # a level behind the best changes once in 2 to this power changes of its market
_NEAR = np.array([0.4, 0.65, 0.85, 1.0])  # of the usual size, at the best price and the next ones


@dataclass(frozen=True)
class Ladders:
    """Sizes at all prices of an event's markets."""

    sizes: Ints
    """Hundredths by market, price in cents and turn; negative where the price has no order behind the best."""
    phases: Ints
    """By market and price: where in its turns a price is at first."""
    depth: int

    def best(self, market: Ints, price: Ints, epoch: Ints, busy: Floats) -> Ints:
        """Give the size in hundredths at a best price; at least a contract."""
        turn = (epoch * 5 + self.phases[market, price]) % _SIZES
        return _scaled(np.abs(self.sizes[market, price, turn]), float(_NEAR[0]), busy)

    def rungs(self, market: Ints, best: Ints, epoch: Ints, busy: Floats, step: int) -> tuple[Ints, Ints]:
        """Give prices in cents and sizes in hundredths from the best price on, away from the other side.

        Args:
            market: Place of the market, one a ladder.
            best: Best price in cents, outside 1 to 99 if there is none.
            epoch: How often the market's ladder had changed.
            busy: How busy it is, around 1.
            step: −1 for bids, 1 for asks.

        Returns:
            One row a ladder, best first; size 0 where there is nothing.
        """
        prices = best[:, None] + step * np.arange(self.depth)
        there = (prices > 0) & (prices < NO_ASK)
        price = np.where(there, prices, 1)
        turn = ((epoch[:, None] + self.phases[market[:, None], price]) >> _SLOWNESS) % _SIZES
        near = _NEAR[np.minimum(np.arange(self.depth), len(_NEAR) - 1)]
        drawn = self.sizes[market[:, None], price, turn]
        sizes = np.where(there & (drawn > 0), _scaled(np.abs(drawn), near, busy[:, None]), 0)
        sizes[:, 0] = np.where(there[:, 0], self.best(market, price[:, 0], epoch, busy), 0)
        return prices, sizes


def ladders(rng: np.random.Generator, markets: int, median: float, depth: int) -> Ladders:
    """Draw the sizes of an event's markets, of this median in contracts."""
    shape = (markets, NO_ASK, _SIZES)
    contracts = median * np.exp(_SPREAD * rng.standard_normal(shape, dtype=np.float32))
    price = np.arange(NO_ASK)
    cheap = 1 + 60 * np.exp(-np.minimum(price, NO_ASK - price) / 1.2)
    hundredths = np.rint(contracts * cheap[:, None] * _CONTRACT).astype(np.int64)
    whole = rng.random(shape, dtype=np.float32) >= _FRACTIONAL
    sizes = np.where(whole, hundredths // _CONTRACT * _CONTRACT, hundredths) + np.where(
        hundredths < _CONTRACT, _CONTRACT, 0
    )
    empty: Bools = rng.random(shape, dtype=np.float32) < _EMPTY
    return Ladders(np.where(empty, -sizes, sizes), rng.integers(0, 2**20, (markets, NO_ASK)), depth)


def _scaled(sizes: Ints, share: Floats | float, busy: Floats) -> Ints:
    """Take a share of sizes, and less at night; whole contracts stay whole, and one stays at least."""
    wanted = np.rint(sizes * share * np.clip(busy, 0.25, 1.5) ** 0.5).astype(np.int64)
    whole = sizes % _CONTRACT == 0
    scaled: Ints = np.maximum(np.where(whole, wanted // _CONTRACT * _CONTRACT, wanted), _CONTRACT)
    return scaled
