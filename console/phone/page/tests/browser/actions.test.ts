/** Fingers on the page in a real browser: what they send is counted where it arrives. */

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { browser, Phone, Server } from "./phone.ts";

let shared: Browser;
let server: Server;
let phone: Phone;

beforeAll(async () => {
  shared = await browser();
});
afterAll(() => shared.close());
beforeEach(async () => {
  server = await Server.start();
  phone = await Phone.open(shared, server);
  await phone.page.getByText("$487.26").waitFor();
});
afterEach(async () => {
  await phone.close();
  server.stop();
});

async function sellSheet(): Promise<void> {
  await phone.page.locator(".sell").first().tap();
  await phone.page.locator("dialog .hold").waitFor();
}

const words = (): Promise<string> => phone.page.locator("dialog").innerText();

test("a tap, a short press, six taps and an armed slide off send nothing", async () => {
  await sellSheet();
  await phone.press("dialog .hold", 30);
  await phone.press("dialog .hold", 300);
  expect(await words()).toContain("Nothing sent: hold until the words change");
  for (let tap = 0; tap < 6; tap += 1) await phone.press("dialog .hold", 20);
  const [x, y] = await phone.middle("dialog .hold");
  await phone.fingers("touchStart", [[x, y]]);
  await phone.page.getByText("Let go to sell").waitFor();
  await phone.shot("armed");
  await phone.fingers("touchMove", [[x, y - 200]]);
  await phone.fingers("touchEnd", []);
  await phone.page.waitForTimeout(300);
  expect(await words()).toContain("Hold, then let go to sell");
  expect(await server.asked()).toEqual([]);
});

test("a second finger, a cancelled touch and a hidden page disarm", async () => {
  await sellSheet();
  const [x, y] = await phone.middle("dialog .hold");
  await phone.fingers("touchStart", [[x, y]]);
  await phone.page.getByText("Let go to sell").waitFor();
  await phone.fingers("touchStart", [[x, y], [x + 40, y]]);
  await phone.fingers("touchEnd", []);
  await phone.fingers("touchStart", [[x, y]]);
  await phone.page.getByText("Let go to sell").waitFor();
  await phone.fingers("touchCancel", []);
  await phone.fingers("touchStart", [[x, y]]);
  await phone.page.getByText("Let go to sell").waitFor();
  await phone.page.evaluate(() => dispatchEvent(new Event("pagehide")));
  await phone.fingers("touchEnd", []);
  await phone.page.waitForTimeout(300);
  expect(await server.asked()).toEqual([]);
});

test("holding and letting go sells once, at the floor that was chosen, and the sheet stays until it is sold", async () => {
  await sellSheet();
  await phone.page.getByLabel("Raise the floor by a cent").tap();
  const floor = await phone.page.locator("output").innerText();
  await phone.press("dialog .hold", 900);
  await phone.page.getByText("Selling goes on").first().waitFor();
  await phone.shot("working");
  const [sale, ...more] = await server.asked();
  expect(more).toEqual([]);
  expect(sale).toMatchObject({ method: "flatten", tickers: ["KXHIGHNY-26NOV22-B41.5"], floor: `${floor.replace("c", "")}0000` });
  await phone.page.getByText("Done").first().waitFor();
  expect(await server.asked()).toHaveLength(1);
  expect(phone.complaints).toEqual([]);
});

test("flatten is not armed by a hold of 0.9 s, and is by one of 1.5 s; what nobody bids for is named", async () => {
  await phone.page.getByText("Flatten all…").tap();
  await phone.press("dialog .hold", 900);
  expect(await server.asked()).toEqual([]);
  expect(await words()).toContain("no bid: stays, guarded");
  await phone.press("dialog .hold", 1_500);
  await phone.page.getByText("Selling goes on").first().waitFor();
  const [sale, ...more] = await server.asked();
  expect(more).toEqual([]);
  expect(sale).toMatchObject({ tickers: [], floor: null });
  await phone.page.getByText("Done").first().waitFor();
  await phone.shot("flattened");
});

test("the twin sends with two taps, not with two fast ones", async () => {
  await sellSheet();
  await phone.page.getByText("Use two taps instead").tap();
  await phone.page.getByText("First tap: sell").tap();
  await phone.page.locator("dialog .tap").first().tap();
  expect(await server.asked()).toEqual([]);
  await phone.page.getByText("Second tap: sell now").tap();
  await phone.page.getByText("Selling goes on").first().waitFor();
  expect(await server.asked()).toHaveLength(1);
});

test("the keyboard gets the twin", async () => {
  await sellSheet();
  await phone.page.locator("dialog .hold").focus();
  await phone.page.keyboard.press("Enter");
  await phone.page.getByText("Second tap: sell now").waitFor();
  expect(await server.asked()).toEqual([]);
  await phone.page.keyboard.press("Escape");
  await phone.page.locator("dialog").waitFor({ state: "detached" });
  expect(await server.asked()).toEqual([]);
});

test("pause is sent by a tap, once, however often it is tapped", async () => {
  const button = phone.page.locator(".pause");
  for (let tap = 0; tap < 4; tap += 1) await button.tap({ force: true });
  await phone.page.getByText("ENTRIES PAUSED").waitFor();
  await button.tap({ force: true });
  expect(await server.asked()).toMatchObject([{ method: "pause" }]);
  await phone.shot("paused");
});

test("an answer that is lost is not known, is asked for under the same id, and is carried out once", async () => {
  await server.manner({ change: "lose" });
  await sellSheet();
  await phone.press("dialog .hold", 900);
  await phone.page.getByText("Outcome not known yet").first().waitFor();
  await phone.shot("unknown");
  await expect.poll(async () => (await server.asked()).length, { timeout: 10_000 }).toBeGreaterThan(1);
  await server.manner({ change: "answer" });
  await phone.page.getByText("Done").first().waitFor();
  const asked = await server.asked();
  expect(new Set(asked.map((found) => JSON.stringify(found))).size).toBe(1);
});

test("a link lost after sending is not known, and never failed", async () => {
  await server.manner({ change: "hang" });
  await sellSheet();
  await phone.press("dialog .hold", 900);
  await phone.page.getByText("waiting for the answer").first().waitFor();
  server.process.kill("SIGSTOP");
  await phone.page.getByText("Outcome not known yet").first().waitFor();
  server.process.kill("SIGCONT");
  await server.manner({ change: "answer" });
  await phone.page.getByText("Done").first().waitFor();
  expect(new Set((await server.asked()).map(({ requestId }) => requestId)).size).toBe(1);
});

test("a refusal is told in the trader's words, and another look is another request", async () => {
  await server.manner({ change: "refuse" });
  await sellSheet();
  await phone.press("dialog .hold", 900);
  await phone.page.getByText("Refused: the journal is full").waitFor();
  await server.manner({ change: "answer" });
  await phone.page.getByText("Look again").tap();
  await phone.press("dialog .hold", 900);
  await phone.page.getByText("Selling goes on").first().waitFor();
  const ids = (await server.asked()).map(({ requestId }) => requestId);
  expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
});

test("the link of an alert opens the sheet of its position", async () => {
  await phone.page.goto(`${server.url}/#/p/p-2`);
  await phone.page.reload();
  await phone.page.getByRole("heading", { name: "Sell 5 NO, Chicago high 38-39°" }).waitFor();
  expect(await server.asked()).toEqual([]);
});
