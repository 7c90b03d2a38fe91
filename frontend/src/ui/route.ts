/** Where the page is: the hash of its address, so that any server of plain files can serve it. */

export interface Route {
  /** The parts of the path: `#/battle/KBDF` has `["battle", "KBDF"]`. */
  path: readonly string[];
  query: URLSearchParams;
}

export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(plain), query: new URLSearchParams(query) };
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Go to another room, by the way that the back button understands. */
export function go(hash: string): void {
  window.location.hash = hash;
}
