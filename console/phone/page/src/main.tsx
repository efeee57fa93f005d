/** Where the page begins. */

import { effect } from "@preact/signals";
import { render } from "preact";
import { TradingMode } from "./gen/foremesh/trader/v1/status_pb.js";
import { App } from "./parts/app.tsx";
import { look, sheet, start, want, wishes } from "./store.ts";
import "./style.css";
import { isOpen } from "./view/action.ts";

const GROUND = { dark: "#0B0F14", light: "#FFFFFF" };
const LIVE = { dark: "#E6EDF3", light: "#111827" };

start();
const root = document.getElementById("page");
if (root) render(<App />, root);

// The link of an alert: `#/p/ID` opens the sheet of that position, once it is known.
effect(() => {
  const { known } = look();
  const id = /^#\/p\/(.+)$/.exec(location.hash)?.[1];
  const position = id === undefined ? undefined : known.positions.get(decodeURIComponent(id))?.message;
  if (!position) return;
  history.replaceState(null, "", location.pathname);
  queueMicrotask(() => {
    sheet.value = want("sell", position).key;
  });
});

// The edge of the phone's screen tells the mode too.
const light = matchMedia("(prefers-color-scheme: light)");
effect(() => {
  const live = look().known.status?.mode === TradingMode.LIVE;
  document.documentElement.classList.toggle("live", live);
  const colour = (live ? LIVE : GROUND)[light.matches ? "light" : "dark"];
  const meta = document.querySelector<HTMLMetaElement>('meta[name="theme-color"]');
  if (meta && meta.content !== colour) meta.content = colour;
});

// A new build takes over when nothing that was sent is open.
if ("serviceWorker" in navigator) {
  const had = navigator.serviceWorker.controller !== null;
  let due = false;
  navigator.serviceWorker.register("/sw.js").catch(() => undefined); // without it the page works as well, with a link
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    due = had;
  });
  effect(() => {
    void look();
    const busy = sheet.value !== null || [...wishes.values()].some((wish) => isOpen(wish.action));
    if (due && !busy) {
      due = false;
      location.reload();
    }
  });
}
