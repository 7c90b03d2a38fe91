import { Suspense, useEffect, useRef } from "react";
import type { PageConfig } from "../memes/types";
import type { Link } from "../nats/link";
import { Bar } from "./Bar";
import { Fallen } from "./Fallen";
import { Pill } from "./Pill";
import { isServed, roomOf, type Room } from "./rooms";
import { useMedia, useRoute, useStore } from "./use";
import { Voice } from "./Voice";

interface Props {
  link: Link;
  config: PageConfig;
  rooms: readonly Room[];
}

/** What is around every room: its head, the bar, the way back to the top, and one voice. */
export function App({ link, config, rooms }: Props) {
  const route = useRoute();
  const served = rooms.filter((room) => isServed(room, config));
  const room = roomOf(route, served);
  const main = useArrival(room);
  const isBroad = useMedia("(min-width: 48rem)");
  const state = useStore(link);
  const bar = !room.isWide && <Bar rooms={served} current={room} />;
  return (
    <div className="shell" data-room={room.hash || "memes"} data-wide={room.isWide === true}>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), enter(main.current))}>
        Skip to the content
      </a>
      <header className="top">
        <p className="logo">
          <img src="/favicon.svg" alt="" width="40" height="40" />
          memebattle
        </p>
        {isBroad && bar}
        <Pill state={state} />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Fallen key={route.path.join("/")}>
          <Suspense fallback={<p className="empty arriving">One moment …</p>}>
            <room.view key={room.title} link={link} config={config} route={route} />
          </Suspense>
        </Fallen>
      </main>
      {!isBroad && bar}
      {!room.isWide && (
        <footer>
          One request, exactly one answer. <a href="/docs">HTTP interface</a> · <a href="/asyncapi">Events</a>
        </footer>
      )}
      <Voice />
    </div>
  );
}

/**
 * Another room: its title, its top, and the focus at its beginning, where the room has not put it somewhere itself.
 * The first one leaves the focus alone.
 */
function useArrival(room: Room) {
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = room.hash ? `${room.title} · memebattle` : "memebattle";
    if (!isFirst.current) {
      window.scrollTo(0, 0);
      if (!hasFocusInside(main.current)) main.current?.focus({ preventScroll: true });
    }
    isFirst.current = false;
  }, [room]);
  return main;
}

const hasFocusInside = (main: HTMLElement | null): boolean =>
  document.activeElement !== main && main?.contains(document.activeElement) === true;

function enter(main: HTMLElement | null): void {
  main?.focus();
  main?.scrollIntoView();
}
