import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const STAND_IN = fileURLToPath(new URL("src/link/no_json.ts", import.meta.url));

export default defineConfig({
  base: "/",
  publicDir: false,
  plugins: [
    {
      name: "no-json",
      enforce: "pre",
      resolveId: (wanted) => (/^\.{1,2}\/(from|to)-json\.js$/.test(wanted) ? STAND_IN : null),
    },
  ],
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
