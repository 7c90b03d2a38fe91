import { afterEach, expect, test, vi } from "vitest";
import { fetched, inWords, Problem } from "./problem";

afterEach(() => vi.unstubAllGlobals());

async function refusalOf(status: number, body: unknown, headers: Record<string, string> = {}): Promise<Problem> {
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(body), { status, headers }));
  return fetched("/anything").then(
    () => expect.fail("was not refused"),
    (error: Problem) => error,
  );
}

test("a known problem has words of its own, and says when to come back", async () => {
  const problem = await refusalOf(429, { type: "urn:memebattle:problem:rate-limited", detail: "x" }, { "Retry-After": "12" });
  expect(inWords(problem)).toBe("That was a lot at once. Try again in 12 seconds.");
  expect([problem.status, problem.retryAfter, problem.mayPass]).toEqual([429, 12, true]);
});

test("faults name their fields", async () => {
  const errors = [
    { pointer: "#/business_value", detail: "Input should be less than or equal to 10" },
    { pointer: "#/title", detail: "Field required" },
  ];
  const problem = await refusalOf(422, { type: "urn:memebattle:problem:invalid-request", errors });
  expect(inWords(problem)).toBe("Business value: Input should be less than or equal to 10. Title: Field required.");
  expect(problem.mayPass).toBe(false);
});

test("an unknown one says what the server says, unless it is the server's own fault", async () => {
  expect(inWords(await refusalOf(400, { detail: "the body is not JSON" }))).toBe("The body is not JSON.");
  expect(inWords(await refusalOf(502, "<html>"))).toBe("Something broke on our side.");
});

test("nobody answers", async () => {
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
  const problem = await fetched("/anything").catch((error: unknown) => error);
  expect(problem).toMatchObject({ status: 0, kind: "unreachable" });
  expect(inWords(problem)).toContain("does not answer");
});
