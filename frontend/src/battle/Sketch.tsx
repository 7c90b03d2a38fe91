import { captionsOf } from "./captions";

/** How a line will sit on a picture: the captions as they will be, over a doodle instead of the painting. */
export function Sketch({ prompt }: { prompt: string }) {
  const [top, bottom] = captionsOf(prompt);
  return (
    <div className="sketch" aria-hidden="true">
      <svg viewBox="0 0 200 200">
        <rect width="200" height="200" fill="#bfe3ff" />
        <circle cx="160" cy="42" r="20" fill="#ffcf33" />
        <path d="M0 150q45-38 95-14t105-12v76H0Z" fill="#9bd28a" />
        <path d="M18 60q8-16 24-8 14-12 26 4 16 0 14 14H24q-14-2-6-10Z" fill="#fff" />
        <path d="M100 78c24 0 38 16 38 38s-14 40-38 40-38-18-38-40 14-38 38-38Z" fill="#ff9d5c" />
        <path d="M68 92 62 62l26 16m44 14 6-30-26 16" fill="#ff9d5c" />
        <g fill="#1d1836" stroke="none">
          <circle cx="86" cy="110" r="6" />
          <circle cx="114" cy="110" r="6" />
        </g>
        <path d="M84 128q8 10 16 0 8 10 16 0" fill="none" />
      </svg>
      <p className="caption">{top}</p>
      <p className="caption">{bottom}</p>
    </div>
  );
}
