import { useMedia } from "../ui/use";
import "./faces.css";

const PIECES = 70;

/** Paper for the winners; nothing for those who asked for less motion. */
export function Confetti() {
  const isStill = useMedia("(prefers-reduced-motion: reduce)");
  if (isStill) return null;
  return (
    <div className="confetti" aria-hidden="true">
      {Array.from({ length: PIECES }, (_, index) => (
        <i key={index} style={paper(index)} />
      ))}
    </div>
  );
}

/** Scattered without chance: multiples of the golden ratio are never close together. */
const scattered = (index: number, salt: number): number => ((index + 1) * (0.618034 + salt)) % 1;

function paper(index: number): React.CSSProperties {
  return {
    left: `${100 * scattered(index, 0)}%`,
    // all of it has fallen after five seconds: nothing has to be stopped by hand
    animationDelay: `${1.6 * scattered(index, 0.31)}s`,
    animationDuration: `${2.2 + 1.2 * scattered(index, 0.17)}s`,
  };
}
