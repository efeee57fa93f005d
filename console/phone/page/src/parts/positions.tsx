/** What is held, as cards: what selling now would bring, and the way out. */

import type { JSX } from "preact";
import type { Position } from "../gen/foremesh/trader/v1/positions_pb.js";
import { look, marketTitle, sheet, want } from "../store.ts";
import { dollars } from "../view/amounts.ts";
import { DASH, type PositionLine, positionLine } from "../view/cells.ts";
import { isShown } from "../view/freshness.ts";
import type { Seen } from "../view/screen.ts";
import { plain } from "../view/words.ts";
import { tone } from "./header.tsx";

/** The positions, oldest first. */
export function Positions(): JSX.Element {
  const { known, linked } = look();
  const stake = linked ? known.status?.balance?.stakeMicros : undefined;
  return (
    <section aria-labelledby="positions">
      <h2 id="positions">
        Positions {known.positions.size}
        {stake === undefined ? "" : `, at stake ${dollars(stake)}`}
      </h2>
      {known.positions.size === 0 && <p class="nothing">Nothing is held.</p>}
      <ul class="cards">
        {[...known.positions.values()].map((seen) => (
          <Card key={seen.message.positionId} seen={seen} />
        ))}
      </ul>
    </section>
  );
}

function Card({ seen }: { seen: Seen<Position> }): JSX.Element {
  const { known, now } = look();
  const found = seen.message;
  const line = positionLine(known, seen, now);
  const title = plain(marketTitle(found));
  const open = (): void => {
    sheet.value = want("sell", found).key;
  };
  const price = line.bid === DASH ? "no price shown" : `bid ${line.bid} cents`;
  return (
    <li class="card">
      <div class="about">
        <h3>{title}</h3>
        <p>
          {line.held}, in {line.paid}c, bid {line.bid === DASH ? DASH : `${line.bid}c`}
          <Age line={line} />
        </p>
        <Track seen={seen} line={line} />
        <Result seen={seen} line={line} />
        {line.state && <p class="warn">{line.state}</p>}
      </div>
      <button type="button" class="sell" onClick={open} aria-label={`Sell ${line.held} of ${title}, ${price}`}>
        Sell
      </button>
    </li>
  );
}

function Age({ line }: { line: PositionLine }): JSX.Element | null {
  if (line.freshness === "fresh" || line.freshness === "absent" || line.freshness === "stale") return null;
  return <span class="dim"> ({line.age} s)</span>;
}

function Result({ seen, line }: { seen: Seen<Position>; line: PositionLine }): JSX.Element {
  if (line.freshness === "stale") {
    const seconds = line.age.replace(" STALE", "");
    return (
      <p class="warn">
        <b>STALE</b> {seconds}
        {/\d$/.test(seconds) ? " s" : ""}, price not shown
      </p>
    );
  }
  if (line.result === DASH) return <p class="dim">{DASH} no bid: what it would bring is not known</p>;
  return (
    <p>
      <b class={tone(seen.message.mark?.unrealisedMicros)}>{line.result}</b> if sold now, after fees
    </p>
  );
}

/** Stop, bid and target on a line. Where one of the ends is not set there are only figures. */
function Track({ seen, line }: { seen: Seen<Position>; line: PositionLine }): JSX.Element {
  const stop = Number(seen.message.guard?.stopInForceMicros ?? 0n);
  const target = Number(seen.message.plan?.takeProfitPriceMicros ?? 0n);
  const bid = isShown(line.freshness) ? seen.message.mark?.bidPriceMicros : undefined;
  const ends = stop > 0 && target > stop;
  const place = bid === undefined ? null : Math.min(100, Math.max(0, (100 * (Number(bid) - stop)) / (target - stop)));
  return (
    <p class="track">
      <span>
        <span class="vanish">stop </span>
        {line.stop}
      </span>
      <span class="bar" aria-hidden="true">
        {ends && place !== null && <i style={{ left: `${place.toFixed(1)}%` }} />}
      </span>
      <span>
        <span class="vanish">, target </span>
        {line.target}
      </span>
    </p>
  );
}
