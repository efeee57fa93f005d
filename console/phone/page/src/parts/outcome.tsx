/** What became of what was sent, in words. */

import type { JSX } from "preact";
import { clock, dispatch, isHeld, look, renew, sheet, type Wish, wishes } from "../store.ts";
import { ASKING_SECONDS, isOpen, type Note } from "../view/action.ts";
import { outcomeLines } from "../view/outcomes.ts";
import { plain } from "../view/words.ts";
import { sheetTitle } from "./figures.tsx";

/** Why nothing was sent. */
export const NOTES: Record<Note, string> = {
  "": "",
  "too short": "Nothing sent: hold until the words change, then let go.",
  "let off": "Nothing sent.",
  "no link": "Nothing sent: no link.",
  changed: "Nothing sent: it changed. Look again.",
};

/** Where an action stands, in a sentence. */
export function standing(wish: Wish): string {
  switch (wish.action.phase) {
    case "sent":
      return "Sent, waiting for the answer";
    case "working":
      return "Selling goes on";
    case "done":
      return wish.kind === "pause" ? "Entries are paused" : "Done";
    case "refused":
      return `Refused: ${plain(wish.words)}`;
    case "unknown":
      return "Outcome not known yet";
    default:
      return "";
  }
}

/** The outcome on its sheet. */
export function Outcome({ wish }: { wish: Wish }): JSX.Element {
  const { now } = look();
  const { phase, sentAt, requestId } = wish.action;
  const lines = wish.answer && "outcomes" in wish.answer ? outcomeLines(wish.answer, isHeld) : [];
  return (
    <div class="outcome">
      <p class={phase === "unknown" || phase === "refused" ? "warning" : "standing"} role="status">
        <b>{standing(wish)}</b>
      </p>
      {phase === "unknown" && (
        <p>
          Sent {Math.floor(now - sentAt)} s ago. It may have been done. It is asked again under the same id, which is
          carried out only once.
        </p>
      )}
      {phase === "unknown" && now - sentAt >= ASKING_SECONDS && (
        <button type="button" class="again" onClick={() => dispatch(wish, { type: "ask", at: clock() })}>
          Ask again. If it never arrived, it is done now
        </button>
      )}
      {isOpen(wish.action) && <p class="dim small">Request {requestId}</p>}
      <ul class="lines">
        {lines.map((line) => (
          <li key={line.market}>
            {line.market.replace(/^KX/, "")}: {line.said}
          </li>
        ))}
      </ul>
      {phase === "refused" && (
        <button type="button" class="again" onClick={() => renew(wish)}>
          Look again
        </button>
      )}
    </div>
  );
}

/** All that was sent and is not settled, on the page itself. */
export function Working(): JSX.Element {
  const { now } = look();
  const open = [...wishes.values()].filter((wish) => isOpen(wish.action));
  const pause = wishes.get("pause");
  const told = pause && !isOpen(pause.action) ? standing(pause) : "";
  const show = (wish: Wish): void => {
    if (wish.kind !== "pause") sheet.value = wish.key;
    else if (now - wish.action.sentAt >= ASKING_SECONDS) dispatch(wish, { type: "ask", at: clock() });
  };
  return (
    <div class="working">
      {open.map((wish) => (
        <button key={wish.key} type="button" class="wish" onClick={() => show(wish)}>
          {sheetTitle(wish)}: <b class={wish.action.phase === "unknown" ? "warn" : ""}>{standing(wish)}</b>
          {wish.action.phase === "unknown" ? `, ${Math.floor(now - wish.action.sentAt)} s` : ""}
        </button>
      ))}
      <p role="status" class={told.startsWith("Refused") ? "warning" : "told"}>
        {told}
      </p>
    </div>
  );
}
