import { describe, expect, it } from "vitest";
import { captionsOf } from "./captions";
import { codeIn, longTheme, optionsOf, themesIn, USUAL } from "./rules";
import { surpriseFor } from "./surprises";
import { MAX_PROMPT } from "./types";
import { withStatus, type Painting } from "./usePainting";

describe("captionsOf", () => {
  it("breaks where one says so", () => {
    expect(captionsOf(" when it works |  nobody knows why ")).toEqual(["when it works", "nobody knows why"]);
    expect(captionsOf("| only below")).toEqual(["", "only below"]);
  });

  it("breaks at a word that leads on, near the middle", () => {
    expect(captionsOf("A raccoon in a suit giving a quarterly report")).toEqual([
      "A raccoon",
      "in a suit giving a quarterly report",
    ]);
    expect(captionsOf("one two three four five six")).toEqual(["one two three", "four five six"]);
  });

  it("leaves a few words together", () => {
    expect(captionsOf("so much wow")).toEqual(["so much wow", ""]);
    expect(captionsOf("")).toEqual(["", ""]);
  });
});

describe("surpriseFor", () => {
  it("is about the theme, fits, and is never what stands there", () => {
    let line = "";
    for (let draw = 0; draw < 1; draw += 0.05) {
      const next = surpriseFor("Deploying on Friday", line, () => draw);
      expect(next.toLowerCase()).toContain("deploying on friday");
      expect(next.length).toBeLessThanOrEqual(MAX_PROMPT);
      expect(next).not.toBe(line);
      line = next;
    }
  });
});

describe("codeIn", () => {
  it("reads four letters, however they were typed or pasted", () => {
    expect(["kbdf", " K B-D F ", "http://host/#/battle/KBDF"].map(codeIn)).toEqual(["KBDF", "KBDF", "KBDF"]);
  });

  it("refuses what is no code: too long, too short, vowels", () => {
    expect(["KBD", "KBDFG", "ABCD", "", "K8DF"].map(codeIn)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("the host's rules", () => {
  it("become options of the wire", () => {
    expect(optionsOf({ ...USUAL, rounds: 3, themes: " Cats \n\nDogs" })).toMatchObject({
      rounds: 3,
      prompt_seconds: 60,
      moderation: "moderate",
      themes: ["Cats", "Dogs"],
    });
  });

  it("take twenty themes, each short enough for a screen", () => {
    expect(themesIn("cat\n".repeat(30))).toHaveLength(20);
    expect(longTheme(`short\n${"x".repeat(81)}`)).toHaveLength(81);
    expect(longTheme("short")).toBeUndefined();
  });
});

describe("withStatus", () => {
  const said = { request_id: "r", worker: "w1", timestamp: 0, created_at: "" };

  it("follows the queue", () => {
    const queued = withStatus(undefined, { ...said, state: "queued", position: 3 });
    expect(queued).toEqual({ state: "queued", worker: "w1", position: 3 });
    expect(withStatus(queued, { ...said, state: "running" })).toEqual({ state: "running", worker: "w1" });
  });

  it("never takes back an answer", () => {
    const done: Painting = { state: "done", imageUrl: "/images/x.webp" };
    expect(withStatus(done, { ...said, state: "running" })).toBe(done);
  });
});
