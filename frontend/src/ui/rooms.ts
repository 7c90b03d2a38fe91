/**
 * The rooms of this page and the addresses they have. Every room but the first is loaded when it is entered.
 *
 * A room's module has its component as default export. It is given the link, the settings and the route, and
 * brings its own stylesheet along.
 */
import { lazy, type ComponentType } from "react";
import type { PageConfig } from "../memes/types";
import type { Link } from "../nats/link";
import type { Route } from "./route";

export interface RoomProps {
  link: Link;
  config: PageConfig;
  route: Route;
}

export interface Room {
  title: string;
  view: ComponentType<RoomProps>;
  /** Whether the path leads here: its first part, and how many parts it may have. */
  hash: string;
  parts?: number;
  /** In the bar, under this word; a room without is reached from another one. */
  tab?: string;
  /** Only where a worker serves this context. */
  context?: string;
  /** The room fills the page: no bar, no footer. */
  isWide?: boolean;
}

/** All but the first one, which is there from the start. */
export const ROOMS: readonly Room[] = [
  {
    hash: "battle",
    parts: 1,
    title: "Battle",
    tab: "Battle",
    context: "battle",
    view: lazy(() => import("../battle/Door")),
  },
  { hash: "battle", title: "Battle", context: "battle", view: lazy(() => import("../battle/Phone")), isWide: true },
  { hash: "host", title: "Host", context: "battle", view: lazy(() => import("../battle/stage/Host")), isWide: true },
  { hash: "tv", title: "Screen", context: "battle", view: lazy(() => import("../battle/stage/Screen")), isWide: true },
  { hash: "engine", title: "Engine room", view: lazy(() => import("../engine-room/Room")), isWide: true },
  { hash: "chat", title: "Chat", tab: "Chat", context: "chat", view: lazy(() => import("../chat/Room")) },
  {
    hash: "priority",
    title: "Priority",
    tab: "Priority",
    context: "priority",
    view: lazy(() => import("../priority/Room")),
  },
];

/** The room of this route; the first one for an address that nobody knows. */
export function roomOf(route: Route, rooms: readonly Room[]): Room {
  const fits = (room: Room) =>
    room.hash === (route.path[0] ?? "") && (room.parts ?? route.path.length) === route.path.length;
  return rooms.find(fits) ?? rooms[0]!;
}

/** A server that does not say what it serves is taken to serve everything. */
export const isServed = (room: Room, config: PageConfig): boolean =>
  !room.context || !config.contexts || config.contexts.includes(room.context);
