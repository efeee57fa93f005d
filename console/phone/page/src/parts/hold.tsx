/** A button that is held until it is armed and let go to send. It only tells what fingers do; the action decides. */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { clock, dispatch, type Wish } from "../store.ts";
import { HOLD_SECONDS } from "../view/action.ts";

/** The button. `words` is what it does, as in "sell". */
export function HoldButton(props: { wish: Wish; words: string; onTap: () => void }): JSX.Element {
  const { wish } = props;
  const button = useRef<HTMLButtonElement>(null);
  const timer = useRef(0);
  const { phase, hold } = wish.action;
  const armed = phase === "armed" && hold !== null;

  useEffect(() => {
    const off = (): void => {
      clearTimeout(timer.current);
      dispatch(wish, { type: "off" });
    };
    const second = (event: PointerEvent): void => {
      if (wish.action.hold && event.pointerId !== wish.action.hold.pointer) off();
    };
    addEventListener("pointerdown", second, true);
    addEventListener("blur", off);
    return () => {
      removeEventListener("pointerdown", second, true);
      removeEventListener("blur", off);
      clearTimeout(timer.current);
    };
  }, [wish]);

  const inside = (event: PointerEvent): boolean => {
    const box = button.current?.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    return !!box && x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
  };
  const press = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    dispatch(wish, { type: "press", at: clock(), pointer: event.pointerId });
    clearTimeout(timer.current);
    const held = (): void => dispatch(wish, { type: "held", at: clock() });
    timer.current = window.setTimeout(held, HOLD_SECONDS[wish.kind] * 1000 + 5);
  };
  const move = (event: PointerEvent): void => {
    if (wish.action.hold?.pointer === event.pointerId && !inside(event)) dispatch(wish, { type: "off" });
  };
  const release = (event: PointerEvent): void => {
    clearTimeout(timer.current);
    if (!inside(event)) dispatch(wish, { type: "off" });
    else dispatch(wish, { type: "release", at: clock(), pointer: event.pointerId });
  };
  const cancel = (event: PointerEvent): void => {
    if (wish.action.hold?.pointer === event.pointerId) dispatch(wish, { type: "off" });
  };
  // A press without a pointer is a keyboard or a switch: these cannot hold, so they get the twin.
  const click = (event: MouseEvent): void => {
    if (event.detail === 0) props.onTap();
  };

  const words = armed ? `Let go to ${props.words} · slide off to cancel` : `Hold, then let go to ${props.words}`;
  return (
    <button
      ref={button}
      type="button"
      class={`hold ${hold ? "held" : ""} ${armed ? "armed" : ""} ${wish.kind}`}
      onPointerDown={press}
      onPointerMove={move}
      onPointerUp={release}
      onPointerCancel={cancel}
      onLostPointerCapture={cancel}
      onClick={click}
      onContextMenu={(event) => event.preventDefault()}
    >
      <span>{words}</span>
    </button>
  );
}
