/** What the sheets are about, in figures: all of them the trader's. */

import type { JSX } from "preact";
import { look, marketTitle, renew, type Wish } from "../store.ts";
import { isOpen } from "../view/action.ts";
import { cents, contracts, dollars } from "../view/amounts.ts";
import { DASH, positionLine } from "../view/cells.ts";
import { isShown } from "../view/freshness.ts";
import { movedFloor } from "../view/floor.ts";
import { plain, side } from "../view/words.ts";

const MARKED_SECONDS = 2;

/** What a sheet is called. */
export function sheetTitle(wish: Wish): string {
  if (wish.kind === "pause") return "Pause entries";
  if (wish.kind === "flatten") return "Flatten all";
  const position = look().known.positions.get(wish.key.replace(/^sell /, ""))?.message;
  const what = position ? `${contracts(position.countHundredths)} ${side(position.side)}, ` : "";
  return `Sell ${what}${plain(wish.title)}`;
}

/** One position, and the floor. */
export function SellFigures({ wish }: { wish: Wish }): JSX.Element {
  const { known, now } = look();
  const seen = known.positions.get(wish.key.replace(/^sell /, ""));
  if (!seen) return <p class="standing">This position is closed.</p>;
  const line = positionLine(known, seen, now);
  const mark = seen.message.mark;
  const bid = isShown(line.freshness) ? (mark?.bidPriceMicros ?? null) : null;
  const size = bid === null ? "" : ` × ${contracts(mark?.bidSizeHundredths ?? 0n)}`;
  const worth = bid === null ? undefined : mark?.liquidationMicros;
  const below = bid !== null && wish.floor !== null && wish.floor > bid;
  const fixed = isOpen(wish.action) || wish.action.phase === "done";
  const move = (up: boolean): void => renew(wish, movedFloor(wish.floor, up, bid));
  return (
    <dl class={now - wish.changedAt < MARKED_SECONDS ? "marked" : ""}>
      <dt>held</dt>
      <dd>
        {line.held}, in {line.paid}c
      </dd>
      <dt>bid now{line.age ? ` (${line.age.replace(" STALE", "")})` : ""}</dt>
      <dd>
        {bid === null ? DASH : `${line.bid}c${size}`}
        {line.freshness === "stale" && <b class="warn"> STALE</b>}
      </dd>
      <dt>never below</dt>
      <dd class="floor">
        <output aria-live="off">{wish.floor === null ? "the trader's own" : `${cents(wish.floor)}c`}</output>
        {!fixed && (
          <>
            <button type="button" aria-label="Lower the floor by a cent" onClick={() => move(false)}>
              −
            </button>
            <button type="button" aria-label="Raise the floor by a cent" onClick={() => move(true)}>
              +
            </button>
          </>
        )}
      </dd>
      {below && <dd class="wide warn">The bid is below this floor: nothing is sold until it comes back.</dd>}
      <dt>at the bid, after fee</dt>
      <dd>{worth === undefined ? DASH : dollars(worth)}</dd>
      <dd class="wide dim">A resting target order is cancelled first. No new entries in this market.</dd>
    </dl>
  );
}

/** Everything that is held: what can be sold now, and apart what nobody bids for. */
export function FlattenFigures(): JSX.Element {
  const { known, now, linked } = look();
  const lines = [...known.positions.values()].map((seen) => ({
    id: seen.message.positionId,
    title: plain(marketTitle(seen.message)),
    line: positionLine(known, seen, now),
    noBid: seen.message.mark !== undefined && seen.message.mark.bidPriceMicros === undefined,
  }));
  const worth = linked ? known.status?.balance?.liquidationMicros : undefined;
  const apart = lines.filter(({ noBid, line }) => noBid && line.freshness !== "stale");
  return (
    <>
      {lines.length === 0 && <p class="standing">Nothing is held. Entries are stopped all the same.</p>}
      <ul class="lines list">
        {lines
          .filter((found) => !apart.includes(found))
          .map(({ id, title, line }) => (
            <li key={id}>
              <span>
                {title}, {line.held}
              </span>
              <span>
                {line.bid === DASH ? DASH : `bid ${line.bid}c`}{" "}
                <span class={line.freshness === "stale" ? "warn" : "dim"}>({line.age || "no age"})</span>
              </span>
            </li>
          ))}
        {apart.map(({ id, title, line }) => (
          <li key={id} class="warn">
            <span>
              {title}, {line.held}
            </span>
            <span>no bid: stays, guarded</span>
          </li>
        ))}
      </ul>
      <dl>
        <dt>at the bids, after fees</dt>
        <dd>{worth === undefined ? DASH : dollars(worth)}</dd>
        <dd class="wide dim">At the trader's own floor. Entries are stopped too, in all markets.</dd>
      </dl>
    </>
  );
}
