import { useMemo } from "react";
import { qr } from "./qr";

const QUIET = 4;

/** A QR code, dark on light by day and by night: cameras like it that way. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const grid = useMemo(() => qr(text), [text]);
  const side = grid.length + 2 * QUIET;
  const dark = grid.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : [])),
  );
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${side} ${side}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
      data-text={text}
    >
      <rect className="qr-light" width={side} height={side} />
      <path className="qr-dark" d={dark.join("")} />
    </svg>
  );
}
