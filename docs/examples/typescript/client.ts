/** Asks a forecast server for signals, in one call and as a stream. Prints one JSON object per line. */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { create, fromJson, toJson, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { MarketHistorySchema, Purpose } from "./gen/foremesh/forecast/v1/forecast_pb.js";
import * as service from "./gen/foremesh/forecast/v1/forecast_service_pb.js";
import { ModelSchema } from "./gen/foremesh/forecast/v1/model_pb.js";
import { SignalResultSchema, type SignalResult } from "./gen/foremesh/forecast/v1/signal_pb.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/** Histories per message: the contract wants 64 to 256, and less than 1 MiB. */
const BATCH = 64;
const DEADLINE_MS = 30_000;

type ScanMessage = MessageInitShape<typeof service.StreamSignalsRequestSchema>;

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      target: { type: "string", default: "http://127.0.0.1:8787" },
      ca: { type: "string" }, // PEM file of the authority that signed the server's certificate
      cert: { type: "string" }, // PEM file of our certificate: it carries our role
      key: { type: "string" }, // PEM file of its private key
      histories: { type: "string", default: "histories.json" },
      horizon: { type: "string", default: "6" }, // steps of an hour
    },
  });
  const client = createClient(service.ForecastService, connect(options.target, options));
  const histories = JSON.parse(readFileSync(options.histories, "utf8")) as JsonValue[];
  const question = create(service.GenerateSignalsRequestSchema, {
    forecast: { horizonSteps: Number(options.horizon), step: { seconds: 3600n }, purpose: Purpose.RESEARCH },
    signal: { minMagnitudeCents: 1 },
    histories: histories.map((history) => fromJson(MarketHistorySchema, history)),
  });

  const { model } = await client.getModel({});
  print("GetModel", { model: model ? toJson(ModelSchema, model) : null });

  const { results, summary } = await client.generateSignals(question);
  printResults("GenerateSignals", results);
  printSummary("GenerateSignals", summary);

  // Only the summary says that a scan is complete: it counts every input.
  let complete = false;
  for await (const { frame } of client.streamSignals(scan(question))) {
    if (frame.case === "accepted") print("StreamSignals", { accepted: frame.value.scanId });
    if (frame.case === "results") printResults("StreamSignals", frame.value.results);
    if (frame.case === "summary") {
      printSummary("StreamSignals", frame.value);
      complete = true;
    }
  }
  if (!complete) throw new ConnectError("the scan ended without a summary", Code.DataLoss);
}

/** HTTP/2 in the clear for http://, which servers offer on loopback only; TLS with our certificate for https://. */
function connect(target: string, files: { ca?: string; cert?: string; key?: string }): Transport {
  const read = (file?: string) => (file === undefined ? undefined : readFileSync(file));
  const nodeOptions = { ca: read(files.ca), cert: read(files.cert), key: read(files.key) };
  return createGrpcTransport({ baseUrl: target, nodeOptions, defaultTimeoutMs: DEADLINE_MS });
}

/** What a scan sends: the header first, then the histories in batches. */
async function* scan(question: service.GenerateSignalsRequest): AsyncGenerator<ScanMessage> {
  const { forecast, signal, histories } = question;
  yield { frame: { case: "header", value: { scanId: "typescript-example", forecast, signal } } };
  for (let start = 0; start < histories.length; start += BATCH) {
    yield { frame: { case: "batch", value: { histories: histories.slice(start, start + BATCH) } } };
  }
}

function print(call: string, what: Record<string, JsonValue>): void {
  console.log(JSON.stringify({ call, ...what }));
}

function printResults(call: string, results: SignalResult[]): void {
  for (const result of results) print(call, { result: toJson(SignalResultSchema, result) });
}

function printSummary(call: string, summary?: service.ScanSummary): void {
  print(call, { summary: summary ? toJson(service.ScanSummarySchema, summary) : null });
}

/** What went wrong, with the details that a program acts on: reason, fields, and when to try again. */
function described(error: ConnectError): Record<string, unknown> {
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: Code[error.code],
    message: error.rawMessage,
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason,
    fields: error
      .findDetails(BadRequestSchema)
      .flatMap((bad) => bad.fieldViolations.map(({ field, description }) => ({ field, description }))),
    retryAfterSeconds: delay ? durationMs(delay) / 1000 : undefined,
  };
}

try {
  await main();
} catch (error) {
  console.error(JSON.stringify({ error: described(ConnectError.from(error)) }));
  process.exitCode = 1;
}
