import { describe, expect, it } from "vitest";
import type { BattleView, DuelView, EntryView, PlayerView } from "../types";
import { champions, share } from "./final";

const player = (seat: string, change: Partial<PlayerView> = {}): PlayerView => ({
  seat,
  name: seat,
  avatar: 0,
  points: 500,
  rank: 1,
  has_entered: true,
  is_out: false,
  ...change,
});
const entry = (id: string, seat: string): EntryView => ({ id, seat, image_url: `/images/${id}`, is_waiting: false });
const duel = (change: Partial<DuelView> = {}): DuelView => ({
  number: 1,
  left: "a",
  right: "b",
  is_tie: false,
  ...change,
});
const view = (change: Partial<BattleView>) =>
  ({ duels: [], entries: [], players: [], ...change }) as unknown as BattleView;

describe("the bars", () => {
  it("add up to all votes", () => {
    expect(share(duel({ votes_left: 2, votes_right: 1 }))).toEqual([67, 33]);
  });

  it("stand at half when nobody has voted", () => {
    expect(share(duel({ votes_left: 0, votes_right: 0 }))).toEqual([50, 50]);
  });
});

describe("who is celebrated", () => {
  const players = [player("ada"), player("bob", { rank: 2 })];
  const entries = [entry("a", "ada"), entry("b", "bob")];

  it("is the maker of the meme that won the knock-out", () => {
    const found = champions(view({ players, entries, duels: [duel({ winner: "b" })] }));
    expect(found).toMatchObject({ byKnockout: true, entry: { id: "b" }, players: [{ seat: "bob" }] });
  });

  it("is the maker of the meme that the server calls the champion", () => {
    const found = champions(view({ players, entries, champion: "a", duels: [duel({ winner: "b" })] }));
    expect(found).toMatchObject({ entry: { id: "a" }, players: [{ seat: "ada" }] });
  });

  it("is who has the most points where no match was decided", () => {
    const found = champions(view({ players, entries, duels: [duel()] }));
    expect(found).toMatchObject({ byKnockout: false, entry: { id: "a" }, players: [{ seat: "ada" }] });
  });

  it("are all who share the first place, without one meme", () => {
    const tied = [player("ada"), player("bob")];
    const found = champions(view({ players: tied, entries }));
    expect(found.players.map((each) => each.seat)).toEqual(["ada", "bob"]);
    expect(found.entry).toBeUndefined();
  });

  it("is nobody when nobody has points", () => {
    expect(champions(view({ players: [player("ada", { points: 0 })] })).players).toEqual([]);
  });
});
