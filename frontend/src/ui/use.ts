/** Small bridges from the browser to React. */
import { useEffect, useReducer, useSyncExternalStore } from "react";
import { routeOf, type Route } from "./route";

export interface Store<T> {
  read: () => T;
  subscribe: (reader: () => void) => () => void;
}

/** What a store holds now, and from now on. */
export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.subscribe, store.read);

let known: { hash: string; route: Route } | undefined;

/** The route, as long as the address is the same the same object. */
export function useRoute(): Route {
  return useSyncExternalStore(onHash, () => {
    const hash = window.location.hash;
    if (known?.hash !== hash) known = { hash, route: routeOf(hash) };
    return known.route;
  });
}

function onHash(changed: () => void): () => void {
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}

export function useMedia(query: string): boolean {
  const media = window.matchMedia(query);
  return useSyncExternalStore(
    (changed) => {
      media.addEventListener("change", changed);
      return () => media.removeEventListener("change", changed);
    },
    () => media.matches,
  );
}

/** Draw again every so many milliseconds, for what depends on the clock. */
export function useTick(everyMs: number): void {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = window.setInterval(tick, everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
}
