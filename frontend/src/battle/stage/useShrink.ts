import { useLayoutEffect, useRef } from "react";

const SCALES = [1, 0.85, 0.72, 0.6, 0.5, 0.42, 0.35, 0.3, 0.26];

/**
 * Makes what is in a box smaller, by `--scale`, until the box holds it: for crowds of any size.
 *
 * `counts` are of all that takes room in it: with others it is measured again.
 */
export function useShrink<T extends HTMLElement>(...counts: number[]) {
  const ref = useRef<T>(null);
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box) return;
    const observer = new ResizeObserver(() => shrink(box));
    observer.observe(box);
    shrink(box);
    return () => observer.disconnect();
  }, counts);
  return ref;
}

function shrink(box: HTMLElement): void {
  for (const scale of SCALES) {
    box.style.setProperty("--scale", String(scale));
    if (box.scrollHeight <= box.clientHeight + 4) return;
  }
}
