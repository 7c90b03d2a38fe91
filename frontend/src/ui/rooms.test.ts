import { describe, expect, it } from "vitest";
import { isServed, roomOf, ROOMS, type Room } from "./rooms";
import { routeOf } from "./route";

const home: Room = { hash: "", title: "Home", view: () => null };
const rooms = [home, ...ROOMS];
const title = (hash: string) => roomOf(routeOf(hash), rooms).title;

describe("routes", () => {
  it("have a path and a query", () => {
    const route = routeOf("#/battle/KBDF?prompt=a%20cat");
    expect(route.path).toEqual(["battle", "KBDF"]);
    expect(route.query.get("prompt")).toBe("a cat");
  });

  it("survive what nobody meant", () => {
    expect(routeOf("#/%E0%A4%A/").path).toEqual(["%E0%A4%A"]);
    expect(routeOf("").path).toEqual([]);
  });

  it("lead to a room, and home when nobody knows the way", () => {
    expect(["", "#/", "#/?prompt=x", "#/nowhere"].map(title)).toEqual(["Home", "Home", "Home", "Home"]);
    expect(["#/battle", "#/chat", "#/tv/KBDF"].map(title)).toEqual(["Battle", "Chat", "Screen"]);
    expect(roomOf(routeOf("#/battle"), rooms).tab).toBe("Battle");
    expect(roomOf(routeOf("#/battle/KBDF"), rooms).isWide).toBe(true);
  });
});

describe("isServed", () => {
  const config = { websocket_url: null, request_subject: "a", response_subject: "b" };
  const names = (contexts?: string[]) =>
    ROOMS.filter((room) => room.tab && isServed(room, contexts ? { ...config, contexts } : config)).map(
      (room) => room.tab,
    );

  it("shows what the workers serve, and everything when nobody says", () => {
    expect(names()).toEqual(["Battle", "Chat", "Priority"]);
    expect(names(["memes", "battle"])).toEqual(["Battle"]);
  });
});
