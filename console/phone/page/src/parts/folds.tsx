/** What is looked at now and then: orders, events, the funnel. Drawn only when unfolded. */

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { look } from "../store.ts";
import { happened, orderWords } from "../view/events.ts";
import { plain, spaced, timeOfDay } from "../view/words.ts";

const SHOWN_EVENTS = 100;

/** All folds. */
export function Folds(): JSX.Element {
  const { known } = look();
  return (
    <section class="folds" aria-label="More">
      <Fold title={`Orders ${known.orders.size}`}>{() => <Orders />}</Fold>
      <Fold title="Events">{() => <Events />}</Fold>
      <Fold title="Funnel">{() => <FunnelBars />}</Fold>
    </section>
  );
}

function Fold(props: { title: string; children: () => ComponentChildren }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{props.title}</summary>
      {open && props.children()}
    </details>
  );
}

function Orders(): JSX.Element {
  const { known } = look();
  if (known.orders.size === 0) return <p class="nothing">No order is working.</p>;
  return (
    <ul class="lines">
      {[...known.orders].map(([key, order]) => (
        <li key={key}>
          {order.marketTicker.replace(/^KX/, "")}: {orderWords(order)}
        </li>
      ))}
    </ul>
  );
}

function Events(): JSX.Element {
  const { known } = look();
  const newest = known.events.slice(-SHOWN_EVENTS).reverse();
  return (
    <>
      <p class="dim">Newest first, UTC</p>
      <ul class="lines">
        {newest.map((event) => (
          <li key={event.sequence}>
            <span class="dim">{timeOfDay(event.recordTime)}</span> {happened(event)}
          </li>
        ))}
        {known.missed && <li class="dim">earlier events are not here: foremesh events --after 0</li>}
      </ul>
    </>
  );
}

function FunnelBars(): JSX.Element {
  const funnel = look().known.funnel;
  if (!funnel) return <p class="nothing">No scan has ended yet.</p>;
  const steps = funnel.steps
    .filter((step) => step.refusedFirstCount > 0n)
    .map((step): [string, bigint] => [`after ${spaced(step.rule)}`, step.reachedCount - step.refusedFirstCount]);
  const bars: [string, bigint][] = [
    ["looked at", funnel.marketCount],
    ["signal", funnel.signalCount],
    ...steps,
    ["entered", funnel.entryCount],
  ];
  return (
    <ul class="funnel">
      {bars.map(([name, count]) => (
        <li key={name}>
          <span>{plain(name)}</span>
          <span class="count">{String(count)}</span>
          <meter aria-label={name} min={0} max={Math.max(1, Number(funnel.marketCount))} value={Number(count)} />
        </li>
      ))}
    </ul>
  );
}
