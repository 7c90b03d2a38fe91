/** The coach: cap, whistle, raised eyebrow. The mouth moves while an answer is told (see chat.css). */
export function CoachFace({ size }: { size: number }) {
  return (
    <svg className="coach-face" width={size} height={size} viewBox="0 0 64 64" aria-hidden="true">
      <circle className="skin" cx="32" cy="36" r="22" />
      <path className="cap" d="M10 32a22 22 0 0 1 44 0c-14-5-30-5-44 0z" />
      <path className="peak" d="M38 24c10-1 18 2 23 8-7-1-15-2-22-2z" />
      <circle className="cap" cx="32" cy="10.5" r="2.5" />
      <circle className="ink" cx="25" cy="38" r="2.6" />
      <circle className="ink" cx="40" cy="38" r="2.6" />
      <path className="line" d="M21 32.5q4-2 7.5 0M36.5 31.5q4-3.5 8-1" />
      <ellipse className="mouth" cx="32" cy="47.5" rx="6.5" ry="2.6" />
      <path className="line cord" d="M16 53q8 9 19 7" />
      <path className="whistle" d="M34 55h12v4h-4a5 5 0 1 1-8-4z" />
    </svg>
  );
}
