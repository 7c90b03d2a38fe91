import { useSyncExternalStore } from "react";
import { Card } from "../memes/Card";
import { Composer } from "../memes/Composer";
import type { Studio } from "../memes/studio";
import { Wall } from "../memes/Wall";
import { Pill } from "./Pill";

export function App({ studio }: { studio: Studio }) {
  const view = useSyncExternalStore(studio.subscribe, studio.read);
  return (
    <>
      <a className="skip" href="#prompt">
        Skip to the prompt
      </a>
      <header className="top">
        <h1 className="logo">
          <img src="/favicon.svg" alt="" width="40" height="40" />
          memebattle
        </h1>
        <Pill state={view.link} />
      </header>
      <main>
        <Composer onSubmit={(wish) => studio.submit(wish)} />
        <section aria-labelledby="yours">
          <h2 id="yours">Your memes</h2>
          {view.tickets.length === 0 && <p className="empty">Nothing yet. Type a line above and press Enter.</p>}
          <ul className="cards">
            {view.tickets.map((ticket) => (
              <Card key={ticket.request.id} ticket={ticket} link={view.link} studio={studio} />
            ))}
          </ul>
        </section>
        <Wall memes={view.wall} onGone={(sha256) => studio.unhang(sha256)} />
      </main>
      <footer>
        One request, exactly one answer. <a href="/docs">HTTP interface</a> · <a href="/asyncapi">Events</a>
      </footer>
      <p className="unseen" role="status" aria-live="polite">
        {view.announcement}
      </p>
    </>
  );
}
