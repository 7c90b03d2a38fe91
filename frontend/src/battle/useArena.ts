import { useEffect, useMemo } from "react";
import type { Link } from "../nats/link";
import { useStore } from "../ui/use";
import { Arena, type ArenaOptions } from "./arena";
import type { Standing } from "./standing";

/** A battle, open as long as the component is there. */
export function useArena(
  link: Link,
  code: string,
  { token, isScreen = false }: ArenaOptions,
): { arena: Arena; standing: Standing } {
  const arena = useMemo(() => new Arena(link, code, { token, isScreen }), [link, code, token, isScreen]);
  useEffect(() => {
    arena.open();
    return () => arena.close();
  }, [arena]);
  return { arena, standing: useStore(arena) };
}
