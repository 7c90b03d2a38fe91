import { useLayoutEffect, useRef, type RefObject } from "react";

const GLIDE_MS = 350;

/** Let the children of a list (each with a `data-id`) glide to their new places when their order changes. */
export function useGliding(list: RefObject<HTMLElement | null>, order: string): void {
  const places = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const now = new Map<string, number>();
    for (const child of list.current?.children ?? []) {
      if (!(child instanceof HTMLElement)) continue;
      const id = child.dataset["id"] ?? "";
      now.set(id, child.offsetTop);
      const way = (places.current.get(id) ?? child.offsetTop) - child.offsetTop;
      if (way !== 0 && !isStill) glide(child, way);
    }
    places.current = now;
  }, [list, order]);
}

function glide(child: HTMLElement, way: number): void {
  child.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], { duration: GLIDE_MS, easing: "ease-out" });
}
