import { afterEach, expect, test, vi } from "vitest";
import { lastSaid } from "../ui/announcer";
import { Coach } from "./coach";

afterEach(() => vi.unstubAllGlobals());

test("a message that is refused says so aloud, too", async () => {
  const details = { type: "urn:memebattle:problem:session-full", status: 429, detail: "full" };
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(details), { status: 429 }));
  const coach = new Coach("sess_1");

  coach.say("why?");

  await vi.waitFor(() => expect(coach.read().turns.at(-1)?.refusal).toBe("Too many screens follow this conversation."));
  expect(lastSaid()).toBe("Too many screens follow this conversation.");
});
