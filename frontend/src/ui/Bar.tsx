import type { ReactNode } from "react";
import type { Room } from "./rooms";

/** One pen, 24 by 24. */
const PICTURES: Record<string, ReactNode> = {
  "": <path d="M4 20c3 0 5-1 5-4 0-2 1-3 3-3s3 2 2 4c-1 3-5 4-10 3Zm8-7L19 4l2 2-7 9" />,
  battle: <path d="M5 4h14v4c0 5-3 7-7 7S5 13 5 8Zm0 1H2c0 4 1 6 4 6M19 5h3c0 4-1 6-4 6m-6 4v3m-4 3h8" />,
  chat: <path d="M4 5h16v11h-9l-5 4v-4H4Zm4 4h8m-8 3h5" />,
  priority: <path d="M4 6h16M4 12h11M4 18h6" />,
};

/** The rooms one may go to: at the top of a broad page, at the thumb of a narrow one. */
export function Bar({ rooms, current }: { rooms: readonly Room[]; current: Room }) {
  return (
    <nav className="bar" aria-label="Rooms">
      {rooms
        .filter((room) => room.tab)
        .map((room) => (
          <a key={room.hash} href={`#/${room.hash}`} aria-current={room.hash === current.hash ? "page" : undefined}>
            <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
              {PICTURES[room.hash]}
            </svg>
            {room.tab}
          </a>
        ))}
    </nav>
  );
}
