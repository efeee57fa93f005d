/** The sheets of sell and flatten: what it is about, how to send it, and what became of it. */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, dispatch, look, renew, sheet, type Wish, wishes } from "../store.ts";
import { isOpen, TAP_PAUSE_SECONDS } from "../view/action.ts";
import { HoldButton } from "./hold.tsx";
import { Mode } from "./header.tsx";
import { NOTES, Outcome } from "./outcome.tsx";
import { FlattenFigures, SellFigures, sheetTitle } from "./figures.tsx";

const TWIN = "two-taps";

/** The sheet that is open, if any. */
export function Sheet(): JSX.Element | null {
  void look();
  const wish = sheet.value === null ? undefined : wishes.get(sheet.value);
  return wish ? <Opened key={wish.key} wish={wish} /> : null;
}

function Opened({ wish }: { wish: Wish }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    const back = document.activeElement;
    shown?.showModal();
    let lock: WakeLockSentinel | null = null;
    let left = false;
    // Asking to stay awake may fail; nothing hangs on it.
    navigator.wakeLock?.request("screen").then(
      (found) => (left ? void found.release() : (lock = found)),
      () => undefined,
    );
    return () => {
      left = true;
      void lock?.release();
      shown?.close();
      if (back instanceof HTMLElement) back.focus();
    };
  }, []);
  const leave = (event?: Event): void => {
    event?.preventDefault();
    dispatch(wish, { type: "off" });
    dispatch(wish, { type: "close" });
    sheet.value = null;
  };
  const open = isOpen(wish.action);
  const over = open || ["done", "refused"].includes(wish.action.phase);
  return (
    <dialog ref={dialog} class="sheet" aria-labelledby="sheet-title" onCancel={leave}>
      <div class="head">
        <h2 id="sheet-title" tabIndex={-1} autofocus>
          {sheetTitle(wish)}
        </h2>
        <Mode />
      </div>
      {wish.kind === "sell" ? <SellFigures wish={wish} /> : <FlattenFigures />}
      {over ? <Outcome wish={wish} /> : <Send wish={wish} />}
      <div class="foot">
        <button type="button" class="plain" onClick={() => leave()}>
          {open ? "Close, it goes on" : over ? "Close" : "Cancel"}
        </button>
        {!over && <TwinSwitch />}
      </div>
    </dialog>
  );
}

function twinWanted(): boolean {
  const said = localStorage.getItem(TWIN);
  return said === null ? matchMedia("(prefers-reduced-motion: reduce)").matches : said === "yes";
}

function TwinSwitch(): JSX.Element {
  const twin = twinWanted();
  const change = (): void => {
    localStorage.setItem(TWIN, twin ? "no" : "yes");
    for (const wish of wishes.values()) dispatch(wish, { type: "off" });
  };
  return (
    <button type="button" class="plain" onClick={change}>
      {twin ? "Hold instead" : "Use two taps instead"}
    </button>
  );
}

function Send({ wish }: { wish: Wish }): JSX.Element {
  const { linked } = look();
  const words = wish.kind === "sell" ? "sell" : "flatten all";
  const [keyed, setKeyed] = useState(false);
  const tap = (): void => {
    setKeyed(true);
    dispatch(wish, { type: "tap", at: clock() });
  };
  if (wish.action.phase === "expired") {
    return (
      <button type="button" class="again" onClick={() => renew(wish)}>
        15 s old. Look again
      </button>
    );
  }
  const note = linked ? NOTES[wish.action.note] : "";
  return (
    <>
      {!linked && <NoLink />}
      {twinWanted() || keyed ? <TwoTaps wish={wish} words={words} /> : <HoldButton wish={wish} words={words} onTap={tap} />}
      <p class="note" role="status">
        {note}
      </p>
    </>
  );
}

function TwoTaps({ wish, words }: { wish: Wish; words: string }): JSX.Element {
  const { now } = look();
  const from = wish.action.confirmFrom;
  const ready = from !== null && now >= from;
  useEffect(() => {
    if (from === null) return;
    const timer = setTimeout(() => dispatch(wish, { type: "tick", at: clock() }), TAP_PAUSE_SECONDS * 1000 + 10);
    return () => clearTimeout(timer);
  }, [from, wish]);
  return (
    <div class="twin">
      <button type="button" class={`tap ${wish.kind}`} onClick={() => dispatch(wish, { type: "tap", at: clock() })}>
        {from === null ? `First tap: ${words}` : "The second button sends"}
      </button>
      <div class="second">
        {ready && (
          <button type="button" class={`tap sure ${wish.kind}`} onClick={() => dispatch(wish, { type: "confirm", at: clock() })}>
            Second tap: {words} now
          </button>
        )}
      </div>
    </div>
  );
}

/** What to do where nothing can be sent. */
export function NoLink(): JSX.Element {
  return (
    <p class="warning">
      <b>No link: nothing can be sent from here.</b> On the host: <code>foremesh flatten</code>. Or on Kalshi's own site.
    </p>
  );
}
