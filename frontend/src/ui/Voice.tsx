import { useLayoutEffect, useState } from "react";
import { lastSaid, onSaid } from "./announcer";

/** Says aloud what is announced while it is there. A dialog has one of its own: all around it is silent. */
export function Voice() {
  const [said, say] = useState("");
  useLayoutEffect(() => onSaid(() => say(lastSaid())), []);
  return (
    <p className="unseen" role="status" aria-live="polite">
      {said}
    </p>
  );
}
