import { gzipSync } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

const LIMIT_KB = 150;
const FONT = /fredoka-latin-600.*\.woff2$/;

/**
 * Prints what a first visit loads, compressed as the gateway does it, and fails the build when that is too much:
 * the page with its scripts, styles and the one font its letters need; and the same for whoever comes by the QR
 * code of a battle, with 199 others on the same wireless network.
 */
export function firstLoad(rooms: Record<string, string>): Plugin {
  return {
    name: "first-load",
    writeBundle(_, bundle) {
      const files = Object.values(bundle);
      const chunks = files.filter((file) => file.type === "chunk");
      const entry = chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName);
      const always = ["index.html", ...files.map((file) => file.fileName).filter((name) => FONT.test(name))];
      if (always.length !== 2) throw new Error("the font was not found: has its name changed?");
      for (const [visit, source] of Object.entries({ "": "", ...rooms })) {
        const room = source
          ? chunks.filter((chunk) => chunk.facadeModuleId?.endsWith(source)).map((chunk) => chunk.fileName)
          : [];
        if (source && room.length === 0) throw new Error(`${source} is no chunk of its own any more`);
        const needed = withImports([...entry, ...room], bundle);
        const kilobytes = [...always, ...needed].reduce((sum, name) => sum + weight(bundle[name]!), 0) / 1000;
        console.log(`first load${visit}: ${kilobytes.toFixed(1)} KB compressed, at most ${LIMIT_KB}`);
        if (kilobytes > LIMIT_KB)
          throw new Error(`the first load${visit} has grown beyond ${LIMIT_KB} KB: load something later`);
      }
    },
  };
}

/** These chunks, what they import at once, and their styles. */
function withImports(names: string[], bundle: Rolldown.OutputBundle): Set<string> {
  const found = new Set<string>();
  const waiting = [...names];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const file = bundle[name];
    if (found.has(name) || file?.type !== "chunk") continue;
    found.add(name);
    waiting.push(...file.imports);
    for (const style of file.viteMetadata?.importedCss ?? []) found.add(style);
  }
  return found;
}

function weight(file: Rolldown.OutputAsset | Rolldown.OutputChunk): number {
  const content = file.type === "chunk" ? file.code : file.source;
  return FONT.test(file.fileName) ? content.length : gzipSync(content, { level: 9 }).length;
}
