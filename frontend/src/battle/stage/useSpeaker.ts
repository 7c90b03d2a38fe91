import { useEffect, useState } from "react";
import { Speaker } from "./sound";

/** A speaker of this screen, off at first, and off again when the screen is left. */
export function useSpeaker(): Speaker {
  const [speaker] = useState(() => new Speaker());
  useEffect(() => () => speaker.turn(false), [speaker]);
  return speaker;
}
