/** The host's keys, for whoever stands beside the beamer with a keyboard. */
import { useEffect, useRef } from "react";

export type Shortcut = "pause" | "skip" | "engine";

interface Pressed {
  key: string;
  hasModifier: boolean;
  /** What has the focus, in lower case: `button`, `input`, `body`. */
  on: string;
}

const TYPING = new Set(["input", "textarea", "select"]);
const PRESSABLE = new Set(["button", "a", "summary"]);

/** What a key means here; nothing while somebody types, or when the key presses what has the focus. */
export function shortcutFor({ key, hasModifier, on }: Pressed): Shortcut | undefined {
  if (hasModifier || TYPING.has(on)) return undefined;
  if (key === " ") return PRESSABLE.has(on) ? undefined : "pause";
  return key === "n" ? "skip" : key === "e" ? "engine" : undefined;
}

/** Call back for every shortcut; not while a dialog is open. */
export function useShortcuts(isOn: boolean, press: (shortcut: Shortcut) => void): void {
  const latest = useRef(press);
  latest.current = press;
  useEffect(() => {
    if (!isOn) return;
    const onKeyDown = (event: KeyboardEvent) => {
      const shortcut = document.querySelector("dialog[open]") ? undefined : shortcutFor(pressed(event));
      if (!shortcut || event.repeat) return;
      event.preventDefault();
      latest.current(shortcut);
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [isOn]);
}

const pressed = (event: KeyboardEvent): Pressed => ({
  key: event.key,
  hasModifier: event.ctrlKey || event.altKey || event.metaKey,
  on: event.target instanceof Element ? event.target.localName : "body",
});
