/** The page in a real browser: what it shows, and when it no longer does. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { browser, Phone, Server } from "./phone.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
let shared: Browser;
let server: Server;
let phone: Phone;

beforeAll(async () => {
  shared = await browser();
});
afterAll(() => shared.close());
beforeEach(async () => {
  server = await Server.start();
});
afterEach(async () => {
  await phone.close();
  server.stop();
});

async function faults(): Promise<string[]> {
  return phone.page.evaluate(
    async ([axe, tags]) => {
      // Not as a script of the page: its policy allows none but its own.
      if (!("axe" in window)) (0, eval)(axe as string);
      const run = (window as unknown as { axe: { run: (on: Document, how: object) => Promise<{ violations: Fault[] }> } }).axe.run;
      type Fault = { id: string; nodes: { html: string; failureSummary: string }[] };
      const { violations } = await run(document, { runOnly: { type: "tag", values: tags } });
      return violations.map((found) => `${found.id}: ${found.nodes[0]?.html} ${found.nodes[0]?.failureSummary}`);
    },
    [AXE, TAGS] as const,
  );
}

const sideways = (): Promise<number> =>
  phone.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test("it shows the trader's figures, and the browser complains of nothing", async () => {
  phone = await Phone.open(shared, server);
  await phone.page.getByText("$487.26").waitFor();
  const text = await phone.page.locator("body").innerText();
  for (const said of ["PAPER", "▼ -$0.37", "NY high 41-42°", "7 NO, in 41c, bid 4", "if sold now, after fees", "▼ 7c ●●○ in 6 h", "+1.8c edge", "refused: spread 12c > 10c"]) {
    expect(text).toContain(said);
  }
  await phone.shot("dark");
  for (const fold of ["Orders 1", "Events", "Funnel"]) await phone.page.getByText(fold, { exact: true }).click();
  await phone.page.getByText("filled, buy 7 NO at 41c, fee $0.119").waitFor();
  await phone.page.getByText("after spread").waitFor();
  await phone.page.locator("details").last().scrollIntoViewIfNeeded();
  await phone.shot("folds");
  expect(phone.complaints).toEqual([]);
});

test("a frozen server is no link within 2.8 s, its prices go, and all comes back by itself", async () => {
  phone = await Phone.open(shared, server);
  await phone.page.getByText("bid 4", { exact: false }).first().waitFor();
  const shown = phone.page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const look = (): void => {
          if (document.querySelector(".banner b")) resolve(Date.now());
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  const began = Date.now();
  server.process.kill("SIGSTOP");
  const took = (await shown) - began;
  process.stdout.write(`no link shown ${took} ms after the server froze\n`);
  expect(took).toBeLessThan(2_800);
  const text = await phone.page.locator("body").innerText();
  expect(text).not.toContain("$487.26");
  expect(text).not.toContain("bid 43c");
  expect(text).toContain("STALE");
  expect(text).toContain("nothing can be sent from here");
  await phone.shot("no-link");
  server.process.kill("SIGCONT");
  await phone.page.getByText("$487.26").waitFor();
  await phone.page.locator(".banner b").waitFor({ state: "detached" });
});

test("a price that is too old is a dash with its age", async () => {
  await server.manner({ stale: ["p-2"] });
  phone = await Phone.open(shared, server);
  await phone.page.getByText("STALE").first().waitFor();
  const card = await phone.page.locator("li.card").nth(1).innerText();
  expect(card).toMatch(/bid —/);
  expect(card).toMatch(/STALE 14 s, price not shown/);
});

test("a page that comes back from behind starts again from a snapshot", async () => {
  phone = await Phone.open(shared, server);
  await phone.page.getByText("$487.26").waitFor();
  const streams: string[] = [];
  phone.page.on("request", (found) => found.url().includes("WatchState") && streams.push(found.url()));
  await phone.page.evaluate(() => dispatchEvent(new Event("online")));
  await expect.poll(() => streams.length).toBe(1);
  await phone.page.getByText("$487.26").waitFor();
});

test("without a session it says so, and without a trader at the start it shows no figure", async () => {
  await server.manner({ signedOut: true });
  phone = await Phone.open(shared, server);
  await phone.page.getByText("Signed out.").waitFor();
  expect(await phone.page.locator("body").innerText()).not.toMatch(/\$\d/);
  await server.manner({ signedOut: false });
  await phone.page.getByText("$487.26").waitFor();
});

test("from the phone's own store the page opens without a server, and shows no figure", async () => {
  phone = await Phone.open(shared, server);
  await phone.page.getByText("$487.26").waitFor();
  await phone.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await expect.poll(() => phone.page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  const kept = await phone.page.evaluate(async () => {
    const names = await caches.keys();
    const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return all.flat().map((request) => new URL(request.url).pathname);
  });
  expect(kept.filter((path) => !/^\/(assets\/.*-[\w-]{8}\.(js|css)|icon.*|manifest\.webmanifest)?$/.test(path))).toEqual([]);
  server.process.kill("SIGKILL");
  await phone.page.reload();
  await phone.page.locator(".banner b").waitFor();
  const text = await phone.page.locator("body").innerText();
  expect(text).toContain("No figure is shown until the trader is heard");
  expect(text).not.toMatch(/\$\d/);
});

test.each(["dark", "light"] as const)("in the %s theme nobody is shut out, on the page and on both sheets", async (colorScheme) => {
  await server.manner({ stale: ["p-2"], mode: colorScheme === "light" ? "LIVE" : "DEMO" });
  phone = await Phone.open(shared, server, { colorScheme });
  await phone.page.getByText("$487.26").waitFor();
  expect(await faults()).toEqual([]);
  await phone.shot(`page-${colorScheme}`);
  await phone.page.locator(".sell").first().tap();
  await phone.page.locator("dialog .hold").waitFor();
  expect(await faults()).toEqual([]);
  await phone.shot(`sell-${colorScheme}`);
  await phone.page.getByText("Cancel", { exact: true }).tap();
  await phone.page.getByText("Flatten all…").tap();
  await phone.page.locator("dialog .hold").waitFor();
  expect(await faults()).toEqual([]);
  await phone.shot(`flatten-${colorScheme}`);
  const small = await phone.page.evaluate(() =>
    [...document.querySelectorAll("button, summary")]
      .map((found) => found.getBoundingClientRect())
      .filter(({ width, height }) => width > 0 && (width < 44 || height < 47.5)).length,
  );
  expect(small).toBe(0);
});

test.each([1, 2])("at 320 px with text at %i00 % nothing scrolls sideways", async (zoom) => {
  phone = await Phone.open(shared, server, { viewport: { width: 320, height: 640 } });
  await phone.page.getByText("$487.26").waitFor();
  await phone.page.evaluate((times) => document.documentElement.style.setProperty("font-size", `${times}00%`), zoom);
  expect(await sideways()).toBeLessThanOrEqual(0);
  await phone.shot(`narrow-${zoom}`);
  await phone.page.locator(".sell").first().tap();
  await phone.page.locator("dialog .hold").waitFor();
  expect(await sideways()).toBeLessThanOrEqual(0);
  const over = await phone.page.locator("dialog").evaluate((found) => found.scrollWidth - found.clientWidth);
  expect(over).toBeLessThanOrEqual(0);
  await phone.shot(`narrow-sell-${zoom}`);
});
