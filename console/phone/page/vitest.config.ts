import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["tests/view/*.test.ts"], environment: "node" } });
