import { describe, expect, it } from "vitest";
import { aLine, aMe, anEntry, aPlayer, aView } from "./examples";
import { champion, doubtInWords, makerOf, myStanding, podium } from "./results";
import type { DuelView } from "./types";
import { duelTitle, isLastDuel, ordinal, phaseInWords, plural, sentence } from "./words";

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

describe("the matches of the final", () => {
  const duels: DuelView[] = [1, 2, 3].map((number) => ({ number, left: "a", right: "b", is_tie: false }));

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
