/**
 * The texts of a screen's lines. What is stale is a dash, what nobody said is nothing. Pure.
 *
 * No figure is computed here: prices, edges and results are the trader's. The same logic as console/view/cells.py.
 */

import { Confidence, Direction } from "../gen/foremesh/forecast/v1/signal_pb.js";
import { DecisionOutcome, ScanOutcome } from "../gen/foremesh/trader/v1/decisions_pb.js";
import { type Position, PositionState } from "../gen/foremesh/trader/v1/positions_pb.js";
import type { MarketRow } from "../gen/foremesh/trader/v1/screen_pb.js";
import { cents, contracts, gain } from "./amounts.ts";
import { fixed, general, signed } from "./figures.ts";
import { type Freshness, isShown } from "./freshness.ts";
import type { Screen, Seen } from "./screen.ts";
import { refusal, side, spaced, word } from "./words.ts";

export const DASH = "—";
const TENTHS_BELOW = 9.95;
const ARROWS: Record<number, string> = { [Direction.UP]: "▲", [Direction.DOWN]: "▼" };
const DOTS: Record<number, string> = {
  [Confidence.LOW]: "○○○",
  [Confidence.MEDIUM]: "●○○",
  [Confidence.MEDIUM_HIGH]: "●●○",
  [Confidence.HIGH]: "●●●",
};

/** A market as a line. */
export interface MarketLine {
  market: string;
  bid: string;
  ask: string;
  /** In seconds; with the word STALE where the prices are not shown. */
  age: string;
  freshness: Freshness;
  /** Where YES is forecast to go, how far and how sure; of one that nobody acts on any more only its age. */
  signal: string;
  /** The edge of an entry as it was decided, or why there was none. */
  verdict: string;
}

/** A position as a line. */
export interface PositionLine {
  market: string;
  held: string;
  paid: string;
  bid: string;
  age: string;
  freshness: Freshness;
  stop: string;
  target: string;
  /** What selling now would bring against what was paid, both fees in it. */
  result: string;
  /** Empty while it is guarded as it should be. */
  state: string;
}

/** Say what is known of a market. */
export function marketLine(screen: Screen, seen: Seen<MarketRow>, now: number): MarketLine {
  const row = seen.message;
  const fresh = screen.quoteFreshness(seen.soAt, now);
  return {
    market: row.marketTicker,
    bid: priceCell(row.noMark?.bidPriceMicros, isShown(fresh)),
    ask: priceCell(row.noMark?.askPriceMicros, isShown(fresh)),
    age: ageCell(screen.age(seen.soAt, now), fresh),
    freshness: fresh,
    signal: signalCell(screen, seen, now),
    verdict: verdictCell(row),
  };
}

/** Say what is known of a position. */
export function positionLine(screen: Screen, seen: Seen<Position>, now: number): PositionLine {
  const found = seen.message;
  const fresh = screen.quoteFreshness(seen.soAt, now);
  const result = isShown(fresh) ? found.mark?.unrealisedMicros : undefined;
  return {
    market: found.marketTicker,
    held: `${contracts(found.countHundredths)} ${side(found.side)}`,
    paid: general(found.meanEntryPriceCents, 3),
    bid: priceCell(found.mark?.bidPriceMicros, isShown(fresh)),
    age: ageCell(screen.age(seen.soAt, now), fresh),
    freshness: fresh,
    stop: priceCell(found.guard?.stopInForceMicros),
    target: priceCell(found.plan?.takeProfitPriceMicros),
    result: result === undefined ? DASH : moneyCell(result),
    state: found.state === PositionState.GUARDED ? "" : stateWord(found.state),
  };
}

/** Say a result so that it is read without colours: `▲ +$0.12`, `▼ -$0.10`, `$0.00`. */
export function moneyCell(micros: bigint): string {
  return `${micros > 0n ? "▲ " : micros < 0n ? "▼ " : ""}${gain(micros)}`;
}

/** Say an age in a narrow column: `0.3`, `14`, `5m`, `3h`. */
export function ageText(found: number): string {
  if (found < TENTHS_BELOW) return fixed(found, 1);
  for (const [unit, name] of [[86_400, "d"], [3_600, "h"], [60, "m"]] as const) {
    if (found >= 2 * unit) return `${Math.floor(found / unit)}${name}`;
  }
  return fixed(found, 0);
}

/** Say a price in cents, or a dash. */
export function priceCell(micros: bigint | undefined, shown = true): string {
  return shown && micros !== undefined ? cents(micros) : DASH;
}

function ageCell(age: number | null, fresh: Freshness): string {
  if (age === null || fresh === "absent") return "";
  return fresh === "stale" ? `${ageText(age)} STALE` : ageText(age);
}

function stateWord(state: PositionState): string {
  return PositionState[state] === undefined ? "" : word(PositionState, state);
}

function signalCell(screen: Screen, seen: Seen<MarketRow>, now: number): string {
  const found = seen.message.signal;
  if (!found) return seen.message.scanOutcome === ScanOutcome.UNSPECIFIED ? "" : "· none";
  if (screen.forecastFreshness(seen, now) === "stale") return `old, ${ageText(screen.forecastAge(seen, now))}`;
  return `${ARROWS[found.direction] ?? "?"} ${fixed(found.magnitudeCents, 0)}c ${DOTS[found.confidence] ?? "?"}`;
}

function verdictCell(row: MarketRow): string {
  const found = row.decision;
  if (!found) return spaced(row.scanReason);
  if (found.outcome === DecisionOutcome.ENTER) {
    return found.expectedEdgeCents === undefined ? "entered" : `${signed(found.expectedEdgeCents, 1)}c`;
  }
  const more = found.refusalCount > 1 ? ` and ${found.refusalCount - 1} more` : "";
  return (found.refusal ? refusal(found.refusal) : "refused") + more;
}
