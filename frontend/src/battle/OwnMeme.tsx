import { sentence } from "./words";
import type { Painting } from "./usePainting";

/** One's own meme: on its way, in line, being painted, done, or why not. */
export function OwnMeme({ prompt, painting }: { prompt: string; painting: Painting | undefined }) {
  const state = painting?.state ?? "sent";
  return (
    <figure className="own panel" data-state={state}>
      <div className="frame" aria-busy={state !== "done" && state !== "failed"}>
        {painting?.imageUrl ? (
          <img src={painting.imageUrl} alt={`Your meme: ${prompt}`} width="512" height="512" />
        ) : (
          <p className="news">
            <strong>{headline(painting)}</strong>
            <span>{detail(painting)}</span>
          </p>
        )}
      </div>
      <figcaption>{prompt}</figcaption>
    </figure>
  );
}

function headline(painting: Painting | undefined): string {
  switch (painting?.state) {
    case "queued":
      return painting.position ? `In line · #${painting.position}` : "In line";
    case "running":
      return "Painting";
    case "failed":
      return "No picture";
    default:
      return "On its way";
  }
}

function detail(painting: Painting | undefined): string {
  switch (painting?.state) {
    case "queued":
      return "the next free worker takes it";
    case "running":
      return `${painting.worker ?? "a worker"} is on it`;
    case "failed":
      return sentence(painting.error ?? "it did not work");
    default:
      return "almost there";
  }
}
