import type { LinkState } from "../nats/link";

const WORDS: Record<LinkState, [string, string]> = {
  connecting: ["Connecting", "Looking for the live link"],
  live: ["Live", "Connected: you see everything as it happens"],
  reconnecting: ["Reconnecting", "The live link broke; your requests are kept and go out by themselves"],
  offline: ["Offline", "No live link: requests go over HTTP as soon as the gateway is in reach"],
};

/** How the connection is, in a word, a colour and a shape. */
export function Pill({ state }: { state: LinkState }) {
  const [word, explanation] = WORDS[state];
  return (
    <span className="pill" data-state={state} role="status" title={explanation}>
      <span className="dot" aria-hidden="true" />
      {word}
      <span className="unseen">: {explanation}</span>
    </span>
  );
}
