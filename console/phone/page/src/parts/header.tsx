/** One glance: whose money, how much, how it goes, and whether all of it is alive. */

import type { JSX } from "preact";
import { LinkHealth, LinkKind, TradingMode, TradingState } from "../gen/foremesh/trader/v1/status_pb.js";
import { look } from "../store.ts";
import { dollars } from "../view/amounts.ts";
import { ageText, DASH, moneyCell } from "../view/cells.ts";
import { block, word } from "../view/words.ts";

const LINKS: Record<number, [string, string]> = {
  [LinkKind.EXCHANGE]: ["exch", "exchange"],
  [LinkKind.MARKET_DATA]: ["books", "market data"],
  [LinkKind.EXIT_LOOP]: ["exits", "exit loop"],
  [LinkKind.FORECAST_SERVER]: ["fc", "forecast server"],
};
const HEALTH: Record<number, string> = {
  [LinkHealth.UP]: "",
  [LinkHealth.LATE]: "LATE",
  [LinkHealth.DOWN]: "DOWN",
  [LinkHealth.UNSPECIFIED]: "not known",
};

/** The mode, as a shape beside its word. */
export function Mode(): JSX.Element | null {
  const status = look().known.status;
  if (!status) return null;
  const name = word(TradingMode, status.mode);
  return <span class={`mode ${name}`}>{name.toUpperCase()}</span>;
}

/** The header. */
export function Header(): JSX.Element {
  const { known, now, linked } = look();
  const status = known.status;
  const today = linked ? status?.pnlToday?.netRealisedMicros : undefined;
  const free = linked && status?.balance ? dollars(status.balance.availableMicros) : DASH;
  return (
    <header>
      <div class="glance">
        <h1 class="vanish">foremesh</h1>
        <Mode />
        <span class="free">
          <span class="vanish">free money </span>
          {free}
          <small> free</small>
        </span>
        <span class="today">
          <b class={tone(today)}>{today === undefined ? DASH : moneyCell(today)}</b>
          <small> today</small>
        </span>
      </div>
      {status && (
        <ul class="links" aria-label="Links and the seconds since each was last well">
          {linked && <LinkLight short="trader" long="trader" age={known.silence(now)} wrong="" />}
          {known
            .links(now)
            .filter(({ link }) => LINKS[link.kind])
            .map(({ link, age }) => {
              const [short, long] = LINKS[link.kind] ?? ["?", "?"];
              const wrong = linked ? (HEALTH[link.health] ?? "?") : "?";
              return <LinkLight key={link.kind} short={short} long={long} age={age} wrong={wrong} />;
            })}
        </ul>
      )}
    </header>
  );
}

/** What stops entries, or is not known. */
export function Warnings(): JSX.Element | null {
  const { known, linked } = look();
  const status = known.status;
  if (!status || !linked) return null;
  const [first] = status.blocks;
  const more = status.blocks.length > 1 ? `, and ${status.blocks.length - 1} more` : "";
  const unknown = status.unknownOrderCount;
  return (
    <>
      {status.state !== TradingState.RUNNING && (
        <p class="warning">
          <b>ENTRIES {word(TradingState, status.state).toUpperCase()}</b>
          {first ? ` ${block(first)}${more}` : ""}
        </p>
      )}
      {status.state === TradingState.RUNNING && first && (
        <p class="warning">
          No entries: {block(first)}
          {more}
        </p>
      )}
      {unknown > 0 && (
        <p class="warning">
          <b>{unknown} OUTCOME NOT KNOWN</b>
        </p>
      )}
    </>
  );
}

/** The colour of money. */
export function tone(micros: bigint | undefined): string {
  return micros === undefined || micros === 0n ? "" : micros > 0n ? "up" : "down";
}

function LinkLight(props: { short: string; long: string; age: number | null; wrong: string }): JSX.Element {
  const age = props.age === null ? DASH : ageText(props.age);
  return (
    <li class={props.wrong ? "unwell" : ""}>
      <span aria-hidden="true">
        {props.short} {props.wrong ? "○" : "●"}
        {age}
      </span>
      <span class="vanish">
        {props.long} {age}
      </span>
      {props.wrong && ` ${props.wrong}`}
    </li>
  );
}
