import { useEffect, useLayoutEffect, useRef } from "react";

const NEAR = 120; // pixels from the end: who is nearer wants to see what comes

/** Keep the end of the page in sight while this list grows, unless somebody has scrolled up to read. */
export function useFollowing(growing: readonly unknown[]): void {
  const follows = useRef(true);
  useEffect(() => {
    const look = () => {
      const page = document.documentElement;
      follows.current = page.scrollHeight - page.clientHeight - window.scrollY < NEAR;
    };
    window.addEventListener("scroll", look, { passive: true });
    return () => window.removeEventListener("scroll", look);
  }, []);
  useLayoutEffect(() => {
    if (follows.current && growing.length > 0) window.scrollTo(0, document.documentElement.scrollHeight);
  }, [growing]);
}
