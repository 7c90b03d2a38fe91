/**
 * What this device keeps of a battle: the token that its seat is a hash of, and how its owner likes to be called.
 *
 * The token leaves the device only in commands. Whoever has it is that player, after a reload or a night.
 */
import { newId } from "../ui/unique";

const TOKEN = "memebattle:seat:";
const PROFILE = "memebattle:me";

export interface Profile {
  name: string;
  avatar: number;
}

/** The token of this device in this battle, if it has been there. */
export const tokenOf = (code: string): string | undefined => read(TOKEN + code);

export const keepToken = (code: string, token: string): void => write(TOKEN + code, token);

export const newToken = newId;

/** The token of this device in this battle; a new one where there was none. */
export function tokenFor(code: string): string {
  const token = tokenOf(code) ?? newToken();
  keepToken(code, token);
  return token;
}

export function profile(): Profile | undefined {
  try {
    const value: Profile | null = JSON.parse(read(PROFILE) ?? "null");
    return typeof value?.name === "string" && Number.isInteger(value.avatar) ? value : undefined;
  } catch {
    return undefined;
  }
}

export const keepProfile = (value: Profile): void => write(PROFILE, JSON.stringify(value));

// where nothing can be stored, the battle lasts as long as the page
const memory = new Map<string, string>();

function read(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? memory.get(key);
  } catch {
    return memory.get(key);
  }
}

function write(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // private mode, or a full disk
  }
}
