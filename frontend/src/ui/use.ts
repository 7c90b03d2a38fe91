/** Small bridges from the browser to React. */
import { useEffect, useReducer, useRef, useSyncExternalStore, type FocusEvent } from "react";
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

/**
 * Keeps the focus in a part of the page: when what had it there is taken away, `place` gets it.
 *
 * The part is given the two listeners. Nothing is heard of what is taken away: the focus was still here.
 */
export function useKeptFocus<T extends HTMLElement>() {
  const place = useRef<T>(null);
  const wasHere = useRef(false);
  useEffect(() => {
    if (wasHere.current && document.activeElement === document.body) place.current?.focus({ preventScroll: true });
  });
  return {
    place,
    onFocus: () => void (wasHere.current = true),
    // a window that is left keeps its element for when one comes back
    onBlur: ({ target }: FocusEvent) => void (wasHere.current = document.activeElement === target),
  };
}
