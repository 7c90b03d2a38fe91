import { expect, test } from "vitest";
import { complaintsAbout, EMPTY, requestOf, type Draft } from "./draft";

const draft = (part: Partial<Draft>): Draft => ({ ...EMPTY, title: "VPN is down", category: "SUPPORT", ...part });

test("a title and a category are enough, and nothing else is sent", () => {
  expect(complaintsAbout(draft({}))).toEqual({});
  expect(requestOf(draft({ title: "  VPN is down " }))).toEqual({
    title: "VPN is down",
    category: "SUPPORT",
    requester_role: "EMPLOYEE",
  });
});

test("what is given is sent as numbers, and times in UTC", () => {
  const request = requestOf(
    draft({ business_value: "7,5", affected_users_count: "0", deadline: "2026-11-22T17:00", model: "wsjf" }),
  );
  expect(request).toMatchObject({ business_value: 7.5, affected_users_count: 0, model: "wsjf" });
  expect(request.deadline).toBe(new Date(2026, 10, 22, 17, 0).toISOString());
  expect(request).not.toHaveProperty("meeting_time");
});

test.each<[Partial<Draft>, keyof Draft]>([
  [{ title: "  " }, "title"],
  [{ title: "x".repeat(201) }, "title"],
  [{ description: "x".repeat(4001) }, "description"],
  [{ category: "" }, "category"],
  [{ business_value: "0" }, "business_value"],
  [{ risk_level: "10.5" }, "risk_level"],
  [{ risk_level: "high" }, "risk_level"],
  [{ affected_users_count: "1.5" }, "affected_users_count"],
  [{ affected_users_count: "-1" }, "affected_users_count"],
  [{ estimated_effort_hours: "0" }, "estimated_effort_hours"],
])("%j has one complaint", (part, field) => {
  expect(Object.keys(complaintsAbout(draft(part)))).toEqual([field]);
});

test("characters are counted as the server counts them", () => {
  expect(complaintsAbout(draft({ title: "🎉".repeat(200) }))).toEqual({});
});
