import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { firstLoad } from "./first-load.ts";

const require = createRequire(import.meta.url);

/** Serves Swagger UI from the page itself: /docs has to work without a CDN. */
function swaggerUi(): Plugin {
  return {
    name: "swagger-ui",
    generateBundle() {
      for (const file of ["swagger-ui-bundle.js", "swagger-ui.css"]) {
        const source = readFileSync(require.resolve(`swagger-ui-dist/${file}`));
        this.emitFile({ type: "asset", fileName: `docs/${file}`, source });
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), swaggerUi(), firstLoad({ " of a player": "src/battle/Phone.tsx" })],
  // signing with keys is ten kilobytes that a page which knows a name and a password does not need
  resolve: { alias: { "@nats-io/nkeys": fileURLToPath(new URL("src/nats/no-keys.ts", import.meta.url)) } },
  build: {
    outDir: "../memebattle/gateway/static/app",
    emptyOutDir: true,
    // the page's policy allows fonts and styles from here only, not from data: addresses
    assetsInlineLimit: 0,
  },
  server: {
    // `npm run dev` beside a running `memebattle up`
    proxy: {
      "/api": "http://127.0.0.1:8000",
      "/images": "http://127.0.0.1:8000",
      "/config.json": "http://127.0.0.1:8000",
      "/battle": "http://127.0.0.1:8000",
    },
  },
});
