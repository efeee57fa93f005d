/** What the last scan found, each with its edge or the first rule that refused. */

import type { JSX } from "preact";
import { DecisionOutcome, ScanOutcome } from "../gen/foremesh/trader/v1/decisions_pb.js";
import type { MarketRow } from "../gen/foremesh/trader/v1/screen_pb.js";
import { look, marketTitle } from "../store.ts";
import { ageText, DASH, marketLine } from "../view/cells.ts";
import { type Seen, seconds } from "../view/screen.ts";
import { plain, spanWords } from "../view/words.ts";

const MOST = 40;

/** The signals. */
export function Signals(): JSX.Element {
  const { known, now, linked } = look();
  const scan = known.status?.lastScan;
  const age = scan ? ageText(seconds(scan.age) + Math.max(0, now - known.statusAt)) : "";
  const found = [...known.rows.values()].filter((seen) => seen.message.scanOutcome === ScanOutcome.SIGNAL);
  return (
    <section aria-labelledby="signals">
      <h2 id="signals">
        Signals {found.length}
        {scan && linked ? `, scan ${age}${/\d$/.test(age) ? " s" : ""} ago` : ""}
      </h2>
      {found.length === 0 && <p class="nothing">{scan ? "The last scan found none." : "No scan has ended yet."}</p>}
      <ul class="cards">
        {found.slice(0, MOST).map((seen) => (
          <Signal key={seen.message.number} seen={seen} />
        ))}
      </ul>
      {found.length > MOST && <p class="nothing">and {found.length - MOST} more: foremesh terminal</p>}
    </section>
  );
}

function Signal({ seen }: { seen: Seen<MarketRow> }): JSX.Element {
  const { known, now } = look();
  const row = seen.message;
  const line = marketLine(known, seen, now);
  const horizon = row.signal?.horizon ? ` in ${spanWords(seconds(row.signal.horizon))}` : "";
  const old = line.signal.startsWith("old");
  const stale = line.freshness === "stale";
  return (
    <li class="card">
      <div class="about">
        <h3>{plain(marketTitle(row))}</h3>
        <p>
          {old ? <span class="warn">forecast {line.signal}</span> : `${line.signal}${horizon}`}
          {", "}
          {stale ? (
            <span class="warn">
              NO ask {DASH} <b>STALE</b>
            </span>
          ) : (
            `NO ask ${line.ask === DASH ? DASH : `${line.ask}c`}`
          )}
          {line.freshness === "ageing" && <span class="dim"> ({line.age} s)</span>}
        </p>
        <Verdict row={row} said={line.verdict} />
      </div>
    </li>
  );
}

function Verdict({ row, said }: { row: MarketRow; said: string }): JSX.Element | null {
  const decision = row.decision;
  if (!decision) return said ? <p class="dim">{plain(said)}</p> : <p class="dim">not decided yet</p>;
  if (decision.outcome !== DecisionOutcome.ENTER) return <p class="dim">refused: {plain(said)}</p>;
  const edge = decision.expectedEdgeCents;
  if (edge === undefined) return <p>{said}</p>;
  return (
    <p>
      <b class={edge > 0 ? "up" : edge < 0 ? "down" : ""}>{said}</b> edge after costs, entered
    </p>
  );
}
