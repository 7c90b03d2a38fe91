/** Put a file into somebody's downloads. */
export function save(what: Blob | string, name: string): void {
  const address = typeof what === "string" ? what : URL.createObjectURL(what);
  const anchor = Object.assign(document.createElement("a"), { href: address, download: name });
  anchor.click();
  if (typeof what !== "string") setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A text as the beginning of a file's name. */
export const fileNameOf = (text: string, otherwise = "meme"): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40) || otherwise;
