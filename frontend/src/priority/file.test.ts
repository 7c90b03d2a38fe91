import { expect, test } from "vitest";
import { tasksIn, Unreadable } from "./file";

const tasks = (text: string) => tasksIn(text).map((row) => row.task);
const places = (text: string) => tasksIn(text).map((row) => row.place);

test("CSV: cells go out as they stand, empty ones not at all", () => {
  const text = "id,Title,category,business value,tags\r\nt-1,VPN is down,INFRASTRUCTURE,8,vpn; network ;\r\n,Chairs,MAINTENANCE,,\r\n";
  expect(tasks(text)).toEqual([
    { id: "t-1", title: "VPN is down", category: "INFRASTRUCTURE", business_value: "8", tags: ["vpn", "network"] },
    { title: "Chairs", category: "MAINTENANCE" },
  ]);
});

test("CSV: quoted cells hold delimiters, quotation marks and line breaks, and lines are counted all the same", () => {
  const text = '\uFEFFtitle,category,description\n"a, ""b""",SUPPORT,"two\nlines"\n\n5" disk,SUPPORT,\n';
  expect(tasks(text)).toEqual([
    { title: 'a, "b"', category: "SUPPORT", description: "two\nlines" },
    { title: '5" disk', category: "SUPPORT" },
  ]);
  expect(places(text)).toEqual(["line 2", "line 5"]);
});

test.each([";", "\t"])("CSV: columns separated by %j", (mark) => {
  expect(tasks(["title", "category"].join(mark) + "\n" + ["a, b", "SUPPORT"].join(mark))).toEqual([
    { title: "a, b", category: "SUPPORT" },
  ]);
});

test.each([
  ['[{"title": "a"}, 7]', ["task 1", "task 2"], [{ title: "a" }, 7]],
  ['{"tasks": [{"title": "a"}]}', ["task 1"], [{ title: "a" }]],
  ['{\n "title": "a"\n}', ["task 1"], [{ title: "a" }]],
  ['{"title": "a"}\n\n{"title": "b"}\n', ["line 1", "line 3"], [{ title: "a" }, { title: "b" }]],
])("JSON: %j", (text, at, found) => {
  expect(places(text)).toEqual(at);
  expect(tasks(text)).toEqual(found);
});

test.each([
  ["", "nothing in this file"],
  ["title;owner\na;b", "no category"],
  ["title,category\na,SUPPORT,more", "Line 2 has 3 cells under 2 columns"],
  ['title,category\n"a,SUPPORT', "Line 2 has a quotation mark that is never closed"],
  ["[1, 2", "looks like JSON"],
  ['{"title": "a"}\n{"title"', "Line 2 is no JSON"],
])("unreadable: %j", (text, words) => {
  expect(() => tasksIn(text)).toThrow(Unreadable);
  expect(() => tasksIn(text)).toThrow(words);
});
