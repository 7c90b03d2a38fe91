import type { MemeCreated } from "./types";

interface Props {
  memes: readonly MemeCreated[];
  onGone: (sha256: string) => void;
}

/** What everybody makes, as it happens. */
export function Wall({ memes, onGone }: Props) {
  return (
    <section className="wall" aria-labelledby="everyone">
      <h2 id="everyone">Fresh from everyone</h2>
      {memes.length === 0 ? (
        <p className="empty">The wall is waiting for its first meme.</p>
      ) : (
        <ul className="strip" tabIndex={0} aria-label="Newest memes, scrolls sideways">
          {memes.map((meme) => (
            <li key={meme.sha256}>
              <a href={meme.image_url} target="_blank" rel="noreferrer" title={meme.prompt}>
                <img
                  src={meme.image_url}
                  alt={`Meme: ${meme.prompt}`}
                  loading="lazy"
                  width="160"
                  height="160"
                  onError={() => onGone(meme.sha256)}
                />
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
