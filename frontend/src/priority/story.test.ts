import { expect, test } from "vitest";
import { withChapter, type Chapter } from "./story";

const chapter = (place: number): Chapter => ({ place, kind: "error", data: {} }) as unknown as Chapter;

test("chapters are each told once and in the order they were stored, however they come", () => {
  const told = [5, 2, 5, 9, 2].map(chapter).reduce(withChapter, [] as readonly Chapter[]);
  expect(told.map(({ place }) => place)).toEqual([2, 5, 9]);
});
