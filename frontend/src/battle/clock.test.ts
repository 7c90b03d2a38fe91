import { describe, expect, it } from "vitest";
import { leftOf, ServerClock } from "./clock";

describe("ServerClock", () => {
  it("is the clock here before anything was heard", () => {
    expect(new ServerClock(() => 1000).now()).toBe(1000);
  });

  it("corrects a clock that is wrong", () => {
    const clock = new ServerClock(() => 1000);
    clock.note(61_000);
    expect(clock.now()).toBe(61_000);
  });

  it("believes the message that had the shortest way", () => {
    let here = 1000;
    const clock = new ServerClock(() => here);
    clock.note(5000 - 20);
    here = 2000;
    clock.note(6000 - 900);
    here = 3000;
    expect(clock.now()).toBe(7000 - 20);
  });

  it("forgets, so that a clock that was set right is followed", () => {
    let here = 0;
    const clock = new ServerClock(() => here);
    clock.note(100_000);
    for (here = 100_000; here < 112_000; here += 1000) clock.note(here);
    expect(clock.now()).toBe(here);
  });
});

describe("leftOf", () => {
  it("counts to the deadline and no further", () => {
    expect(leftOf({ deadline: 5000 }, 2000)).toBe(3000);
    expect(leftOf({ deadline: 5000 }, 9000)).toBe(0);
  });

  it("stands still while the clock is stopped", () => {
    expect(leftOf({ deadline: 5000, remaining: 1234 }, 9000)).toBe(1234);
    expect(leftOf({ deadline: 5000, remaining: 0 }, 1000)).toBe(0);
  });

  it("is nothing where no time runs", () => {
    expect(leftOf({ deadline: null, remaining: null }, 1000)).toBeNull();
    expect(leftOf(undefined, 1000)).toBeNull();
  });
});
