/** The calls that the page makes, to where it came from. */

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import {
  type FlattenPositionsResponse,
  type PauseTradingResponse,
  TraderService,
  type WatchStateResponse,
} from "../gen/foremesh/trader/v1/trader_service_pb.js";
import { ANSWER_SECONDS } from "../view/action.ts";
import type { Screen } from "../view/screen.ts";

const MAX_HZ = 4;
const client = createClient(TraderService, createConnectTransport({ baseUrl: location.origin, useBinaryFormat: true }));
const timeoutMs = ANSWER_SECONDS * 1000;

/** Open the stream; its log goes on where the screen's ends. */
export function watchState(known: Screen, fromThere: boolean, signal: AbortSignal): AsyncIterable<WatchStateResponse> {
  const place = fromThere && known.journalId ? { afterSequence: known.asOfSequence, journalId: known.journalId } : {};
  return client.watchState({ maxHz: MAX_HZ, ...place }, { signal });
}

/** Stop entries. */
export function pauseTrading(requestId: string): Promise<PauseTradingResponse> {
  return client.pauseTrading({ requestId, reason: "phone page" }, { timeoutMs });
}

/** Sell: one market's position at a floor, or all that is held. */
export function flattenPositions(
  requestId: string,
  marketTickers: string[],
  floorPriceMicros: bigint | null,
): Promise<FlattenPositionsResponse> {
  const floor = floorPriceMicros === null ? {} : { floorPriceMicros };
  return client.flattenPositions({ requestId, reason: "phone page", marketTickers, ...floor }, { timeoutMs });
}

const REFUSALS = new Set([
  Code.InvalidArgument,
  Code.FailedPrecondition,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.NotFound,
  Code.Unimplemented,
  Code.OutOfRange,
]);

/** Tell whether an error says that nothing was done; every other leaves that open. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.has(ConnectError.from(error).code);
}

/** Say an error. */
export function errorWords(error: unknown): string {
  const found = ConnectError.from(error);
  if (found.code === Code.Unauthenticated) return "signed out: sign in and look again";
  return found.rawMessage || Code[found.code] || "unknown error";
}
