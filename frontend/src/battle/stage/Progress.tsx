/** A bar that fills up. */
export function Progress({ value, of, label }: { value: number; of: number; label: string }) {
  const all = Math.max(1, of);
  return (
    <svg
      className="progress"
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={of}
      aria-valuenow={value}
    >
      <rect className="progress-filled" width={(100 * Math.min(value, all)) / all} height="10" />
    </svg>
  );
}
