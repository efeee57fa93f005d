/**
 * Serves the built page and a scripted trader on loopback, for tests. `node serve.ts FOLDER` prints its port.
 *
 * What a test wants of it goes over `/test/`: PUT manner, GET asked.
 */

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { PauseTradingResponseSchema, TraderService } from "../../src/gen/foremesh/trader/v1/trader_service_pb.js";
import { type Manner, PAUSED, World } from "./world.ts";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};
const folder = process.argv[2] ?? ".";
const world = new World();
const answers = new Map<string, unknown>();

const rpc = connectNodeAdapter({
  routes: (router: ConnectRouter) =>
    router.service(TraderService, {
      async *watchState(_request, context) {
        if (world.manner.signedOut) throw new ConnectError("no session", Code.Unauthenticated);
        const began = performance.now();
        yield world.snapshot();
        while (!context.signal.aborted) {
          await new Promise((resolve) => setTimeout(resolve, 250));
          yield world.delta((performance.now() - began) / 1000);
        }
      },
      pauseTrading: (request) =>
        changed("pause", request.requestId, [], null, () => {
          world.paused = true;
          return fromJson(PauseTradingResponseSchema, PAUSED);
        }),
      flattenPositions: (request) =>
        changed("flatten", request.requestId, request.marketTickers, request.floorPriceMicros ?? null, () => {
          if (request.marketTickers.length === 0) world.paused = true;
          return world.flatten(request);
        }),
    }),
});

/** Carry out a change once for its id, in the manner that is set. */
async function changed<Answer>(
  method: string,
  requestId: string,
  tickers: string[],
  floor: bigint | null,
  carryOut: () => Answer,
): Promise<Answer> {
  world.asked.push({ method, requestId, tickers, floor: floor === null ? null : String(floor) });
  const { change } = world.manner;
  if (change === "refuse") throw new ConnectError("the journal is full", Code.FailedPrecondition);
  if (change === "hang") await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (!answers.has(requestId)) answers.set(requestId, carryOut());
  if (change === "lose") throw new ConnectError("gone on the way", Code.Unavailable);
  return answers.get(requestId) as Answer;
}

async function test(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "PUT") {
    let body = "";
    for await (const part of request) body += String(part);
    Object.assign(world.manner, JSON.parse(body) as Partial<Manner>);
  }
  response.setHeader("content-type", "application/json").end(JSON.stringify(world.asked));
}

const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://page").pathname;
  if (path.startsWith("/foremesh.")) return rpc(request, response);
  if (path.startsWith("/test/")) return void test(request, response);
  const file = normalize(path === "/" ? "/index.html" : path);
  try {
    const content = readFileSync(join(folder, `${file}${file.endsWith(".png") ? "" : ".br"}`));
    if (!file.endsWith(".png")) response.setHeader("content-encoding", "br");
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-security-policy", "default-src 'self'; frame-ancestors 'none'");
    response.end(content);
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
