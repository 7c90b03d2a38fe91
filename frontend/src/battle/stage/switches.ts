/** Small choices of whoever runs a screen, kept on this device and shared by its windows. */
import { useState, useSyncExternalStore } from "react";

const PREFIX = "memebattle:screen:";
const readers = new Set<() => void>();

/** A choice that survives a reload. A browser that keeps nothing forgets it with the page. */
export function useSwitch(name: string, byDefault: boolean): [boolean, (on: boolean) => void] {
  const [fallback, setFallback] = useState(byDefault);
  const stored = useSyncExternalStore(subscribe, () => read(name));
  const turn = (on: boolean) => {
    setFallback(on);
    write(name, on);
    readers.forEach((reader) => reader());
  };
  return [stored === null ? fallback : stored === "on", turn];
}

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  window.addEventListener("storage", reader);
  return () => {
    readers.delete(reader);
    window.removeEventListener("storage", reader);
  };
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function write(name: string, on: boolean): void {
  try {
    localStorage.setItem(PREFIX + name, on ? "on" : "off");
  } catch {
    // private mode, or a full disk: the fallback holds
  }
}
