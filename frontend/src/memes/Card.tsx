import { useState } from "react";
import type { LinkState } from "../nats/link";
import { announce } from "../ui/announcer";
import { fileNameOf } from "../ui/download";
import { saveAsPng, shareLink } from "./sharing";
import { isPending, type Studio, type Ticket } from "./studio";
import type { MemeCreated } from "./types";
import { duration, inWords } from "./words";

interface Props {
  ticket: Ticket;
  link: LinkState;
  studio: Studio;
}

/** One request: in line, being painted, done, or why not. */
export function Card({ ticket, link, studio }: Props) {
  const { request, phase } = ticket;
  return (
    <li className="card panel" data-phase={phase} data-id={request.id}>
      <div className="frame" aria-busy={isPending(ticket)}>
        {phase === "done" ? (
          <Picture ticket={ticket} />
        ) : phase === "failed" ? (
          <Failure ticket={ticket} />
        ) : (
          <Waiting ticket={ticket} link={link} />
        )}
      </div>
      <p className="prompt">{request.prompt}</p>
      {ticket.meme && <Facts meme={ticket.meme} />}
      <div className="buttons">
        {isPending(ticket) && (
          <button
            onClick={() => !ticket.isCancelled && studio.cancel(request.id)}
            aria-disabled={ticket.isCancelled === true}
            aria-label={`Cancel: ${request.prompt}`}
          >
            Cancel
          </button>
        )}
        {ticket.meme && ticket.picture && (
          <a className="button small" href={ticket.picture} download={`${fileNameOf(ticket.meme.prompt)}.webp`}>
            Download
          </a>
        )}
        {ticket.meme && ticket.picture && <Sharing meme={ticket.meme} picture={ticket.picture} />}
        {phase === "failed" && (
          <button className="primary" onClick={() => studio.retry(request.id)}>
            Try again
          </button>
        )}
        {!isPending(ticket) && (
          <button
            className="quiet small"
            onClick={() => studio.dismiss(request.id)}
            aria-label={`Put away: ${request.prompt}`}
          >
            Put away
          </button>
        )}
      </div>
    </li>
  );
}

function Picture({ ticket }: { ticket: Ticket }) {
  const [isGone, setGone] = useState(false);
  const meme = ticket.meme;
  if (!meme || isGone) return <p className="news">This picture is gone: the servers keep memes for a day, and this browser did not keep it.</p>;
  if (!ticket.picture) return null;
  return (
    <img
      src={ticket.picture}
      alt={`Meme: ${meme.prompt}`}
      width={meme.width}
      height={meme.height}
      onError={() => setGone(true)}
    />
  );
}

/** The same picture for programs that know no WebP, and its address for friends. */
function Sharing({ meme, picture }: { meme: MemeCreated; picture: string }) {
  const [news, setNews] = useState("");
  const say = (text: string) => {
    setNews(text);
    announce(text);
  };
  return (
    <>
      <button
        className="small"
        aria-label={`As PNG: ${meme.prompt}`}
        onClick={() => void saveAsPng(picture, fileNameOf(meme.prompt)).catch(() => say("The picture is gone."))}
      >
        PNG
      </button>
      <button className="small" aria-label={`Share: ${meme.prompt}`} onClick={() => void shareLink(meme).then(say)}>
        Share
      </button>
      {news && <p className="soft told">{news}</p>}
    </>
  );
}

function Waiting({ ticket, link }: { ticket: Ticket; link: LinkState }) {
  return (
    <div className="news">
      <span className="brush" aria-hidden="true" />
      <strong>{headline(ticket, link)}</strong>
      <span>{detail(ticket, link)}</span>
    </div>
  );
}

function Failure({ ticket }: { ticket: Ticket }) {
  if (!ticket.error) return null;
  const { code, error } = ticket.error;
  return (
    <div className="news">
      <strong>{inWords(code)}</strong>
      {code !== "cancelled" && <span>{error}</span>}
    </div>
  );
}

function Facts({ meme }: { meme: MemeCreated }) {
  return (
    <ul className="chips" aria-label="About this meme">
      <li>{duration(meme.duration_ms)}</li>
      {meme.cached && <li data-kind="cached">from the cache</li>}
      {meme.coalesced && <li data-kind="coalesced">shared work</li>}
      <li>
        {meme.width} px · {meme.provider}
      </li>
    </ul>
  );
}

function headline({ phase, position, isCancelled }: Ticket, link: LinkState): string {
  if (isCancelled) return "Calling it off";
  if (phase === "running") return "Painting";
  if (phase === "queued") return position ? `In line · #${position}` : "In line";
  return link === "live" ? "Sending" : "Waiting for the link";
}

function detail({ phase, worker, isCancelled }: Ticket, link: LinkState): string {
  if (isCancelled) return "a worker will confirm it";
  if (phase === "running") return `${worker ?? "a worker"} is on it`;
  if (phase === "queued") return "the next free worker takes it";
  return link === "live" ? "almost there" : "it goes out by itself";
}
