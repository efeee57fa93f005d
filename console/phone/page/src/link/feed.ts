/** The stream behind the page, over restarts of the trader, losses of the link, and a phone that sleeps. */

import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchStateResponse } from "../gen/foremesh/trader/v1/trader_service_pb.js";
import { SILENCE_SECONDS } from "../view/freshness.ts";

/** For the first message of a stream: a connection is made before it. */
const FIRST_SECONDS = 6;
const FIRST_PAUSE = 0.25;
const LONGEST_PAUSE = 5;
/** A stream that lasted for less was not ended by plan. */
const PLANNED_SECONDS = 5;

/** Why nothing is heard. */
export interface Away {
  words: string;
  signedOut: boolean;
}

/** What a feed needs: a way to open a stream, and whom to tell. */
export interface FeedPorts {
  open(signal: AbortSignal): AsyncIterable<WatchStateResponse>;
  tell(message: WatchStateResponse): void;
  away(why: Away): void;
}

/** Tells messages as they come. The first of every stream is a snapshot. */
export class Feed {
  readonly #ports: FeedPorts;
  #turn = 0;
  #abort: AbortController | null = null;
  #wake: (() => void) | null = null;

  constructor(ports: FeedPorts) {
    this.#ports = ports;
  }

  /** Throw away the stream that is there, if any, and begin with a snapshot. */
  restart(): void {
    this.stop();
    void this.#run(this.#turn);
  }

  /** Listen no more. */
  stop(): void {
    this.#turn += 1;
    this.#abort?.abort();
    this.#wake?.();
  }

  /** Try at once where the next try is waited for. */
  nudge(): void {
    this.#wake?.();
  }

  async #run(turn: number): Promise<void> {
    let pause = FIRST_PAUSE;
    while (turn === this.#turn) {
      const abort = new AbortController();
      this.#abort = abort;
      const began = performance.now();
      let silent = false;
      let heard = false;
      const giveUp = (): void => {
        silent = true;
        this.#ports.away({ words: "the trader says nothing", signedOut: false }); // at once: the stream may end late
        abort.abort();
      };
      let watchdog = setTimeout(giveUp, FIRST_SECONDS * 1000);
      let why: Away | null = null;
      try {
        for await (const message of this.#ports.open(abort.signal)) {
          if (turn !== this.#turn) return;
          clearTimeout(watchdog);
          watchdog = setTimeout(giveUp, SILENCE_SECONDS * 1000);
          heard = true;
          pause = FIRST_PAUSE;
          this.#ports.tell(message);
        }
        const planned = heard && performance.now() - began > PLANNED_SECONDS * 1000;
        why = planned ? null : { words: "the trader ended the stream", signedOut: false };
      } catch (error) {
        why = reason(error);
      } finally {
        clearTimeout(watchdog);
        abort.abort();
      }
      if (turn !== this.#turn) return;
      if (!why && !silent) continue; // a planned end: what is known is so until the new stream's snapshot, a moment later
      if (why && !silent) this.#ports.away(why);
      await this.#sleep(pause * (1 + Math.random() / 4));
      pause = Math.min(LONGEST_PAUSE, pause * 2);
    }
  }

  #sleep(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(wake, seconds * 1000);
      this.#wake = wake;
    });
  }
}

function reason(error: unknown): Away {
  const found = ConnectError.from(error);
  if (found.code === Code.Unauthenticated) return { words: "signed out", signedOut: true };
  const words = found.code === Code.Unavailable || found.code === Code.Unknown ? "the trader is away" : found.rawMessage;
  return { words, signedOut: false };
}
