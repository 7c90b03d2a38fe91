import { useState } from "react";
import { Confirm } from "../ui/Confirm";
import type { Room, RoomProps } from "../ui/rooms";
import { useKeptFocus, useStore } from "../ui/use";
import { Card } from "./Card";
import { Composer } from "./Composer";
import "./memes.css";
import { isPending, type Studio } from "./studio";
import { Wall } from "./Wall";

/** The first room. Its studio lives as long as the page: memes are made while one is elsewhere. */
export function memesRoom(studio: Studio): Room {
  return { hash: "", title: "Make a meme", tab: "Make a meme", view: (props) => <Memes studio={studio} {...props} /> };
}

function Memes({ studio, link, route }: RoomProps & { studio: Studio }) {
  const view = useStore(studio);
  const state = useStore(link);
  const { place, ...focus } = useKeptFocus<HTMLHeadingElement>();
  const suggestion = route.query.get("prompt") ?? "";
  return (
    <div className="memes">
      <h1 className="unseen">Make a meme</h1>
      <Composer key={suggestion} suggestion={suggestion} onSubmit={(wish) => studio.submit(wish)} />
      <section aria-labelledby="yours" {...focus}>
        <div className="heading">
          <h2 id="yours" ref={place} tabIndex={-1}>
            Your memes
          </h2>
          {view.tickets.filter((ticket) => !isPending(ticket)).length > 1 && <Clear studio={studio} />}
        </div>
        {view.tickets.length === 0 && <p className="empty">Nothing yet. Type a line above and press Enter.</p>}
        <ul className="cards">
          {view.tickets.map((ticket) => (
            <Card key={ticket.request.id} ticket={ticket} link={state} studio={studio} />
          ))}
        </ul>
      </section>
      <Wall memes={view.wall} onGone={(sha256) => studio.unhang(sha256)} />
    </div>
  );
}

function Clear({ studio }: { studio: Studio }) {
  const [isAsking, setAsking] = useState(false);
  const question = {
    title: "Put all your memes away?",
    detail: "This browser forgets them. Links you have shared work for as long as the server keeps the pictures.",
    action: "Put them away",
    run: () => studio.clear(),
  };
  return (
    <>
      <button className="quiet small" onClick={() => setAsking(true)}>
        Put all away
      </button>
      {isAsking && <Confirm question={question} onDone={() => setAsking(false)} />}
    </>
  );
}
