import { describe, expect, it } from "vitest";
import { aDuel, aLine, aMe, anEntry, aPlayer, aView } from "./examples";
import { champion, champions, doubtInWords, isChampion, isLastDuel, makerOf, myStanding, podium } from "./results";
import type { Phase } from "./types";
import {
  duelTitle,
  endInWords,
  lateInWords,
  ordinal,
  phaseInWords,
  placeByPoints,
  plural,
  sentence,
  winnersInWords,
} from "./words";

describe("results", () => {
  it("stands equal points on the same step, and nobody who was sent out", () => {
    const players = [
      aPlayer("ada"),
      aPlayer("bob"),
      aPlayer("eve", { is_out: true }),
      aPlayer("cy", { rank: 3 }),
      aPlayer("di", { rank: 4 }),
    ];
    expect(podium(aView({ players })).map(({ seat, rank }) => [seat, rank])).toEqual([
      ["ada", 1],
      ["bob", 1],
      ["cy", 3],
    ]);
  });

  it("says a tie as a tie, and what the votes cannot tell apart", () => {
    expect(doubtInWords(aLine("a", { is_tied: true }))).toBe("a tie");
    expect(doubtInWords(aLine("a", { is_close: true }))).toBe("too close to call");
    expect(doubtInWords(aLine("a"))).toBeUndefined();
  });

  it("finds my line also when I am not among the best", () => {
    const own = aLine("mine", { rank: 17 });
    expect(myStanding(aView({ board: [aLine("a")] }), aMe({ standing: own }))).toBe(own);
    expect(myStanding(aView({ board: [aLine("mine")] }), aMe())?.rank).toBe(1);
    expect(myStanding(aView({ board: [aLine("a")] }), undefined)).toBeUndefined();
  });

  it("names the meme of the battle and who made it", () => {
    const view = aView({
      champion: "b",
      entries: [anEntry("a"), anEntry("b", { seat: "bob" })],
      players: [aPlayer("bob")],
    });
    expect(champion(view)?.id).toBe("b");
    expect(makerOf(view, champion(view))?.name).toBe("bob");
    expect(champion(aView())).toBeUndefined();
  });
});

describe("who is celebrated", () => {
  const players = [aPlayer("ada", { points: 893 }), aPlayer("bob", { points: 500, rank: 2 })];
  const entries = ["ada", "bob"].map((seat) => anEntry(seat.charAt(0), { seat, image_url: `/images/${seat}` }));
  const knockOut = aView({ players, entries, champion: "b", duels: [aDuel({ winner: "b" })], matches: 1 });
  const onPoints = aView({ players, entries, champion: "b" });
  const tied = aView({ players: players.map((player) => ({ ...player, rank: 1 })), entries });
  const pointless = aView({ players: [aPlayer("ada")], entries });
  const ada = aMe({ points: 893 });
  const bob = aMe({ seat: "bob", name: "Bob", points: 500, rank: 2 });
  const guest = aMe({ is_player: false, name: "" });

  it("is the maker of the meme that won the knock-out", () => {
    expect(champions(knockOut)).toMatchObject({ byKnockout: true, entry: { id: "b" }, players: [{ seat: "bob" }] });
  });

  it("is who has the most points where no match was decided, whoever made the meme of the battle", () => {
    const undecided = { ...knockOut, duels: [aDuel()] };
    const cutShort = { ...knockOut, matches: 3 };
    for (const view of [undecided, cutShort, onPoints]) {
      expect(champions(view)).toMatchObject({ byKnockout: false, entry: { id: "a" }, players: [{ seat: "ada" }] });
    }
  });

  it("are all who share the first place, without one meme", () => {
    expect(champions(tied).players.map((each) => each.seat)).toEqual(["ada", "bob"]);
    expect(champions(tied).entry).toBeUndefined();
  });

  it("is nobody when nobody has points", () => {
    expect(champions(pointless).players).toEqual([]);
    expect(isChampion(champions(pointless), aMe())).toBe(false);
  });

  it("is me by the knock-out, and not by points then", () => {
    expect([ada, bob, guest, undefined].map((me) => isChampion(champions(knockOut), me))).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect([ada, bob].map((me) => isChampion(champions(onPoints), me))).toEqual([true, false]);
  });

  it("is me also when more share the first place than a phone is told of", () => {
    expect(isChampion(champions(tied), aMe({ seat: "fay", points: 893 }))).toBe(true);
  });

  it("has a title for each of them", () => {
    expect([ada, bob, undefined].map((me) => endInWords(champions(knockOut), me))).toEqual([
      "bob wins the battle",
      "You won the battle!",
      "bob wins the battle",
    ]);
    expect([ada, guest].map((me) => endInWords(champions(tied), me))).toEqual([
      "You share the first place!",
      "A tie: ada and bob share the first place",
    ]);
    expect(endInWords(champions(onPoints), ada)).toBe("You won the battle!");
    expect(endInWords(champions(pointless), aMe())).toBe("The battle is over");
    expect(winnersInWords([])).toBe("The battle is over");
  });

  it("says to everybody else where they came, after a knock-out that it is by points", () => {
    expect(placeByPoints(champions(knockOut), ada, 6)).toBe("By points you came 1st of 6 with 893 points.");
    expect(placeByPoints(champions(onPoints), bob, 6)).toBe("You came 2nd of 6 with 500 points.");
    expect(placeByPoints(champions(knockOut), bob, 6)).toBeUndefined();
    expect(placeByPoints(champions(knockOut), guest, 6)).toBeUndefined();
    expect(placeByPoints(champions(pointless), aMe(), 6)).toBeUndefined();
  });
});

describe("who comes late", () => {
  const late = (phase: Phase, round: number) => lateInWords(aView({ phase, round, rounds: 2 }));

  it("plays at once as long as prompts are taken, also in the last round", () => {
    expect(late("lobby", 0)).toBe("");
    expect([late("prompt", 1), late("prompt", 2)]).toEqual(Array(2).fill("the game is on: you play at once"));
  });

  it("votes, and plays from the next round where there is one", () => {
    expect(late("vote", 1)).toBe("the game is on: you vote now and play from the next round");
    expect(late("reveal", 1)).toBe("the game is on: you play from the next round");
    for (const phase of ["paint", "vote", "reveal", "duel", "verdict"] as const) {
      expect(late(phase, 2)).toBe("the last memes are in: you only vote");
    }
  });
});

describe("the matches of the final", () => {
  const duels = [1, 2, 3].map((number) => aDuel({ number }));

  it("are two semi-finals and a final among four", () => {
    const view = aView({ matches: 3, duels });
    expect(duels.map((duel) => duelTitle(view, duel))).toEqual(["First semi-final", "Second semi-final", "The final"]);
    expect(duels.map((duel) => isLastDuel(view, duel))).toEqual([false, false, true]);
  });

  it("are only the final among fewer", () => {
    expect(duelTitle(aView({ matches: 1 }), duels[0])).toBe("The final");
  });

  it("are told by their names", () => {
    expect(phaseInWords(aView({ phase: "duel", matches: 3, duels: duels.slice(0, 2) }))).toBe("Second semi-final");
  });
});

describe("words", () => {
  it("counts", () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111].map(ordinal).join(" ")).toBe(
      "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th",
    );
    expect([plural(0, "vote"), plural(1, "vote"), plural(2, "match", "matches")]).toEqual([
      "0 votes",
      "1 vote",
      "2 matches",
    ]);
  });

  it("makes a sentence of what the server says", () => {
    expect(sentence("too late")).toBe("Too late.");
    expect(sentence("Why?")).toBe("Why?");
  });
});
