import { expect, test } from "vitest";
import { promptOf, suggestionsIn } from "./suggestions";

const prompts = (answer: string) => suggestionsIn(answer).map(promptOf);

test.each([
  ['How about "When it works | on my machine"? Keep it short.', ["When it works | on my machine"]],
  ["Write it like this: “Monday | again”.", ["Monday | again"]],
  ["1. One does not simply | deploy on Friday\n2) Works here | not there", ["One does not simply | deploy on Friday", "Works here | not there"]],
  ["- **Top line** | *bottom line*", ["Top line | bottom line"]],
  ['"a | b" and once more "a | b"', ["a | b"]],
])("%s", (answer, expected) => {
  expect(prompts(answer)).toEqual(expected);
});

test.each([
  "Nothing to take here.",
  '"only | three | bars"',
  "| a | table |",
  '" | nothing above"',
  "Use a bar (|) between the lines, and then explain | at length " + "why ".repeat(80),
])("no prompt in: %.40s", (answer) => {
  expect(prompts(answer)).toEqual([]);
});

test("no more than a handful", () => {
  expect(prompts("a | 1\nb | 2\nc | 3\nd | 4\ne | 5")).toHaveLength(4);
});
