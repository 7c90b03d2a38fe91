/**
 * A line as the server keeps it: without what is invisible, with single spaces.
 *
 * Only to compare two lines, by applying it to both: of the marks on one letter it keeps fewer than the server.
 */

const BREAKS = /[\n\t\r]/g;
/** Controls and format characters but the joiners, which some scripts and emoji need; letters that are blank. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\u115f\u1160\u3164\uffa0\u2800]/gu;
const MORE_MARKS = /(\p{M}{2})\p{M}+/gu;
const EDGES = /^[\s\u200c\u200d]+|[\s\u200c\u200d]+$/g;

export function asStored(text: string): string {
  const seen = text.replace(BREAKS, " ").replace(UNSEEN, "").normalize("NFC").replace(MORE_MARKS, "$1");
  return seen.replace(/\s+/g, " ").replace(EDGES, "");
}
