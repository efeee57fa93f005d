/** A phone for tests: the built page in a real browser with touch, before the scripted trader in a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, type CDPSession, chromium, type Page } from "playwright-core";
import type { Manner, World } from "../server/world.ts";

const BUILT = process.env["PAGE_BUILT"] ?? fileURLToPath(new URL("../../../built", import.meta.url));
const SHOTS = process.env["PAGE_SHOTS"];
const PROGRAM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Open the browser that all tests of a file share. */
export function browser(): Promise<Browser> {
  return chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox"] });
}

/** The server, as a process that can be frozen. */
export class Server {
  readonly process: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, port: string) {
    this.process = child;
    this.url = `http://localhost:${port}`;
  }

  static async start(): Promise<Server> {
    const program = fileURLToPath(new URL("../server/serve.ts", import.meta.url));
    const child = spawn(process.execPath, [program, BUILT], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    return new Server(child, line.toString().trim());
  }

  async manner(wanted: Partial<Manner>): Promise<void> {
    await fetch(`${this.url}/test/manner`, { method: "PUT", body: JSON.stringify(wanted) });
  }

  async asked(): Promise<World["asked"]> {
    return (await (await fetch(`${this.url}/test/asked`)).json()) as World["asked"];
  }

  stop(): void {
    this.process.kill("SIGCONT");
    this.process.kill("SIGKILL");
  }
}

/** The page on a phone. Complaints are what the browser says is wrong. */
export class Phone {
  readonly page: Page;
  readonly complaints: string[] = [];
  readonly #touch: CDPSession;

  private constructor(page: Page, touch: CDPSession) {
    this.page = page;
    this.#touch = touch;
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (said) => said.type() === "error" && this.complaints.push(said.text()));
  }

  static async open(from: Browser, server: Server, more: BrowserContextOptions = {}): Promise<Phone> {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
    const context = await from.newContext({ colorScheme: "dark", ...phone, ...more });
    const page = await context.newPage();
    const found = new Phone(page, await context.newCDPSession(page));
    await page.goto(server.url);
    return found;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  /** Put fingers down, or lift those that are not named. */
  async fingers(type: "touchStart" | "touchMove" | "touchEnd" | "touchCancel", points: [number, number][]): Promise<void> {
    const touchPoints = points.map(([x, y], id) => ({ x, y, id }));
    await this.#touch.send("Input.dispatchTouchEvent", { type, touchPoints });
  }

  /** The middle of a thing. */
  async middle(selector: string): Promise<[number, number]> {
    const shown = this.page.locator(selector);
    await shown.scrollIntoViewIfNeeded();
    const box = await shown.boundingBox();
    if (!box) throw new Error(`${selector} is not on the page`);
    return [box.x + box.width / 2, box.y + box.height / 2];
  }

  /** Press with a finger for so long, and let go. */
  async press(selector: string, milliseconds: number): Promise<void> {
    const at = await this.middle(selector);
    await this.fingers("touchStart", [at]);
    await this.page.waitForTimeout(milliseconds);
    await this.fingers("touchEnd", []);
  }

  async shot(name: string): Promise<void> {
    if (!SHOTS) return;
    if (!existsSync(SHOTS)) mkdirSync(SHOTS, { recursive: true });
    await this.page.screenshot({ path: `${SHOTS}/${name}.png` });
  }
}
