import { useCallback, useEffect, useRef, useState } from "react";

/**
 * One seat is played in one tab: the tab that was opened last has it, the others step aside and can take it back.
 *
 * Two tabs of one person would vote twice on one question, and each would wonder where the next one went.
 */
export function useOneTab(code: string): { isElsewhere: boolean; takeOver: () => void } {
  const [isElsewhere, setElsewhere] = useState(false);
  const channel = useRef<BroadcastChannel>(undefined);

  useEffect(() => {
    if (typeof BroadcastChannel === "undefined") return;
    const opened = new BroadcastChannel(`memebattle:tab:${code}`);
    channel.current = opened;
    opened.onmessage = () => setElsewhere(true);
    opened.postMessage("here");
    return () => opened.close();
  }, [code]);

  const takeOver = useCallback(() => {
    channel.current?.postMessage("here");
    setElsewhere(false);
  }, []);
  return { isElsewhere, takeOver };
}
