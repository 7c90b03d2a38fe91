/**
 * What must arrive: tried until it is confirmed, under the same id each time.
 *
 * A parcel lies in a slot. Another one for the same slot takes its place: of two prompts for one round only the
 * later one counts. A parcel that was delivered although its confirmation got lost is delivered again; that must be
 * harmless by what is in it: a request has an id, a vote names its match, a prompt that is in is not taken twice.
 * With a shelf it also survives a reload, and goes over to the next one who opens an outbox for that shelf.
 */

export interface Parcel {
  id: string;
  /** What it supersedes and is superseded by; nothing but itself when missing. */
  slot?: string;
}

/** Where parcels lie while the page is closed. */
export interface Shelf<T> {
  load: () => T[];
  store: (parcels: T[]) => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8000;

export class Outbox<T extends Parcel> {
  private parcels = new Map<string, T>();
  private carried = new Set<string>();
  private wakers = new Set<() => void>();
  private isClosed = false;

  /** `deliver` says whether the parcel needs no further try; when it throws, there will be one. */
  constructor(
    private readonly deliver: (parcel: T) => Promise<boolean>,
    private readonly shelf?: Shelf<T>,
  ) {
    this.unpack();
  }

  /** After it was closed: what is on the shelf now, whoever put it there. It is carried from the next flush on. */
  open(): void {
    if (!this.isClosed) return;
    this.isClosed = false;
    this.unpack();
  }

  /** Carry nothing any more, and leave the shelf as it is: from now on it may be another outbox's. */
  close(): void {
    this.isClosed = true;
    this.wake();
  }

  /** Take up what an earlier page has left, or try everything at once because the link is up. */
  flush(): void {
    this.wake();
    [...this.parcels.values()].forEach((parcel) => void this.carry(parcel));
  }

  /** Keep this parcel and send it, instead of what lay in its slot. */
  put(parcel: T): void {
    this.parcels.set(slotOf(parcel), parcel);
    this.save();
    void this.carry(parcel);
  }

  /** Forget what lies in this slot. */
  drop(slot: string): void {
    if (this.parcels.delete(slot)) this.save();
  }

  /** What lies in this slot and is not confirmed. */
  in(slot: string): T | undefined {
    return this.isClosed ? undefined : this.parcels.get(slot);
  }

  slots(): string[] {
    return [...this.parcels.keys()];
  }

  private async carry(parcel: T): Promise<void> {
    if (this.carried.has(parcel.id)) return;
    this.carried.add(parcel.id);
    for (let pause = FIRST_PAUSE_MS; this.holds(parcel); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      if (await this.hasArrived(parcel)) break;
      if (this.holds(parcel)) await this.rest(pause);
    }
    this.carried.delete(parcel.id);
  }

  private async hasArrived(parcel: T): Promise<boolean> {
    const isConfirmed = await this.deliver(parcel).catch(() => false);
    if (isConfirmed && this.holds(parcel)) this.drop(slotOf(parcel));
    return isConfirmed;
  }

  private holds(parcel: T): boolean {
    return this.in(slotOf(parcel))?.id === parcel.id;
  }

  /** Until the time is over, or somebody flushes. */
  private rest(pause: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.wakers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, pause);
      this.wakers.add(wake);
    });
  }

  private wake(): void {
    [...this.wakers].forEach((wake) => wake());
  }

  private unpack(): void {
    if (this.shelf) this.parcels = new Map(this.shelf.load().map((parcel) => [slotOf(parcel), parcel]));
  }

  private save(): void {
    if (!this.isClosed) this.shelf?.store([...this.parcels.values()]);
  }
}

const slotOf = (parcel: Parcel): string => parcel.slot ?? parcel.id;

/** A shelf in the storage of this tab; a browser that keeps nothing costs the memory, not the page. */
export function tabShelf<T>(key: string): Shelf<T> {
  return {
    load: () => {
      try {
        const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? "[]");
        return Array.isArray(stored) ? (stored as T[]) : [];
      } catch {
        return [];
      }
    },
    store: (parcels) => {
      try {
        if (parcels.length > 0) sessionStorage.setItem(key, JSON.stringify(parcels));
        else sessionStorage.removeItem(key);
      } catch {
        // a full or forbidden storage
      }
    },
  };
}
