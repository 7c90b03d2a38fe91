import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Outbox, type Parcel, type Shelf } from "./outbox";

interface Note extends Parcel {
  text: string;
}

/** A post office that is open or closed, and keeps what it took. */
function office(isOpen = true) {
  const taken: Note[] = [];
  const state = { isOpen };
  const deliver = async (note: Note) => {
    if (!state.isOpen) throw new Error("closed");
    taken.push(note);
    return true;
  };
  return { taken, state, deliver };
}

function memory(stored: Note[] = []): Shelf<Note> & { stored: Note[] } {
  const shelf = { stored, load: () => shelf.stored, store: (parcels: Note[]) => void (shelf.stored = parcels) };
  return shelf;
}

const note = (id: string, text = id, slot?: string): Note => ({ id, text, ...(slot !== undefined && { slot }) });

describe("Outbox", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("sends at once, and forgets what is confirmed", async () => {
    const { taken, deliver } = office();
    const outbox = new Outbox(deliver);
    outbox.put(note("a"));
    expect(outbox.in("a")).toBeDefined();
    await vi.advanceTimersByTimeAsync(0);
    expect(taken).toEqual([note("a")]);
    expect(outbox.slots()).toEqual([]);
  });

  it("tries again under the same id, with growing pauses", async () => {
    const { taken, state, deliver } = office(false);
    const tries = vi.fn(deliver);
    const outbox = new Outbox(tries);
    outbox.put(note("a"));
    await vi.advanceTimersByTimeAsync(250 + 500 + 1000);
    expect(tries).toHaveBeenCalledTimes(4);
    state.isOpen = true;
    await vi.advanceTimersByTimeAsync(2000);
    expect(taken).toEqual([note("a")]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(tries).toHaveBeenCalledTimes(5);
  });

  it("tries everything at once when the link comes up", async () => {
    const { taken, state, deliver } = office(false);
    const outbox = new Outbox(deliver);
    outbox.put(note("a"));
    outbox.put(note("b"));
    await vi.advanceTimersByTimeAsync(20_000);
    state.isOpen = true;
    outbox.flush();
    await vi.advanceTimersByTimeAsync(0);
    expect(taken.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("lets the later one of a slot supersede the earlier", async () => {
    const { taken, state, deliver } = office(false);
    const outbox = new Outbox(deliver);
    outbox.put(note("a", "a cat", "entry"));
    outbox.put(note("b", "a dog", "entry"));
    state.isOpen = true;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(taken).toEqual([note("b", "a dog", "entry")]);
  });

  it("does not take a late confirmation for that of its successor", async () => {
    const confirms: (() => void)[] = [];
    const outbox = new Outbox<Note>(() => new Promise((resolve) => confirms.push(() => resolve(true))));
    outbox.put(note("a", "a cat", "entry"));
    outbox.put(note("b", "a dog", "entry"));
    confirms[0]!();
    await vi.advanceTimersByTimeAsync(0);
    expect(outbox.in("entry")?.id).toBe("b");
    confirms[1]!();
    await vi.advanceTimersByTimeAsync(0);
    expect(outbox.in("entry")).toBeUndefined();
  });

  it("carries a parcel once, however often it is put or flushed", async () => {
    const tries = vi.fn(() => new Promise<boolean>(() => {}));
    const outbox = new Outbox<Note>(tries);
    outbox.put(note("a"));
    outbox.put(note("a"));
    outbox.flush();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(tries).toHaveBeenCalledTimes(1);
  });

  it("stops trying what was dropped", async () => {
    const { taken, state, deliver } = office(false);
    const outbox = new Outbox(deliver);
    outbox.put(note("a"));
    outbox.drop("a");
    state.isOpen = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(taken).toEqual([]);
  });

  it("takes up after a reload what lay on the shelf, and clears it", async () => {
    const shelf = memory();
    new Outbox(office(false).deliver, shelf).put(note("a"));
    expect(shelf.stored).toEqual([note("a")]);
    const { taken, deliver } = office();
    const outbox = new Outbox(deliver, shelf);
    expect(outbox.slots()).toEqual(["a"]);
    outbox.flush();
    await vi.advanceTimersByTimeAsync(0);
    expect(taken).toEqual([note("a")]);
    expect(shelf.stored).toEqual([]);
  });

  it("carries nothing once it is closed, and leaves it on the shelf", async () => {
    const shelf = memory();
    const { taken, state, deliver } = office(false);
    const outbox = new Outbox(deliver, shelf);
    outbox.put(note("a"));
    await vi.advanceTimersByTimeAsync(0);
    outbox.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(outbox.in("a")).toBeUndefined();
    state.isOpen = true;
    outbox.flush();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(taken).toEqual([]);
    expect(shelf.stored).toEqual([note("a")]);
  });

  it("leaves a shelf alone that has another owner, also when its own parcel is confirmed late", async () => {
    const shelf = memory();
    const confirms: (() => void)[] = [];
    const outbox = new Outbox<Note>(() => new Promise((resolve) => confirms.push(() => resolve(true))), shelf);
    outbox.put(note("a", "a cat", "entry"));
    outbox.close();
    const next = new Outbox(office(false).deliver, shelf);
    next.put(note("b", "a dog", "entry"));
    confirms[0]!();
    outbox.drop("entry");
    await vi.advanceTimersByTimeAsync(0);
    expect(shelf.stored).toEqual([note("b", "a dog", "entry")]);
    expect(next.in("entry")?.id).toBe("b");
  });

  it("never sends what another outbox for its shelf has superseded", async () => {
    const shelf = memory();
    const { taken, state, deliver } = office(false);
    const outbox = new Outbox(deliver, shelf);
    outbox.put(note("a", "a cat", "entry"));
    await vi.advanceTimersByTimeAsync(0);
    outbox.close();
    const next = new Outbox(deliver, shelf);
    next.put(note("b", "a dog", "entry"));
    state.isOpen = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(taken).toEqual([note("b", "a dog", "entry")]);
    outbox.open();
    outbox.flush();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(taken).toHaveLength(1);
  });

  it("goes on, once, with what is on the shelf when it is opened again", async () => {
    const shelf = memory();
    const { taken, state, deliver } = office(false);
    const outbox = new Outbox(deliver, shelf);
    outbox.put(note("a"));
    await vi.advanceTimersByTimeAsync(0);
    outbox.close();
    outbox.open();
    outbox.flush();
    expect(outbox.slots()).toEqual(["a"]);
    state.isOpen = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(taken).toEqual([note("a")]);
    expect(shelf.stored).toEqual([]);
  });
});
