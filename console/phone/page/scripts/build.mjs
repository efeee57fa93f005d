/** Builds the page into a folder: bundle, icons, manifest, service worker, and each text compressed beside it. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";
import { png, svg } from "./icons.mjs";

const PAGE = resolve(fileURLToPath(import.meta.url), "../..");
const OUT = resolve(process.argv[2] ?? join(PAGE, "../built"));
const PACKAGES = ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web", "@preact/signals",
  "@preact/signals-core", "preact"];

await build({ root: PAGE, logLevel: "warn", build: { outDir: OUT, emptyOutDir: true } });

const icons = { "icon-180.png": png(180), "icon-192.png": png(192), "icon-512.png": png(512), "icon.svg": svg() };
for (const [name, content] of Object.entries(icons)) writeFileSync(join(OUT, name), content);

const icon = (src, sizes, type, purpose) => ({ src, sizes, type, purpose });
const manifest = {
  id: "/",
  name: "foremesh",
  short_name: "foremesh",
  start_url: "/",
  scope: "/",
  display: "standalone",
  background_color: "#0B0F14",
  theme_color: "#0B0F14",
  icons: [
    icon("/icon.svg", "any", "image/svg+xml", "any"),
    icon("/icon-192.png", "192x192", "image/png", "any maskable"),
    icon("/icon-512.png", "512x512", "image/png", "any maskable"),
  ],
};
writeFileSync(join(OUT, "manifest.webmanifest"), `${JSON.stringify(manifest, null, 2)}\n`);

const licences = PACKAGES.map((name) => {
  const folder = join(PAGE, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((found) => /^licen[cs]e/i.test(found));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : "The text is that of the licence named above.";
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync(join(OUT, "licences.txt"), licences.join(`\n${"-".repeat(72)}\n\n`));

const assets = readdirSync(join(OUT, "assets")).sort().map((name) => `assets/${name}`);
const shell = ["index.html", ...assets, "manifest.webmanifest", ...Object.keys(icons).sort()];
const hash = createHash("sha256");
for (const name of shell) hash.update(name).update(readFileSync(join(OUT, name)));
const paths = shell.map((name) => (name === "index.html" ? "/" : `/${name}`));
const worker = readFileSync(join(PAGE, "scripts/sw.js"), "utf8")
  .replace("__HASH__", hash.digest("hex").slice(0, 16))
  .replace("__SHELL__", JSON.stringify(paths));
writeFileSync(join(OUT, "sw.js"), worker);

for (const name of ["index.html", "sw.js", "manifest.webmanifest", "icon.svg", ...assets]) {
  const content = readFileSync(join(OUT, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(join(OUT, `${name}.br`), brotliCompressSync(content, { params }));
  writeFileSync(join(OUT, `${name}.gz`), gzipSync(content, { level: 9 }));
}
