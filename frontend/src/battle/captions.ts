/** Where a line breaks in two, as the painter would do it, for the sketch beside the form. */

const LEADS = new Set(
  "on when and but with without in at wearing while because to from during into after before that who is are".split(
    " ",
  ),
);

export function captionsOf(prompt: string): [top: string, bottom: string] {
  const text = prompt.replace(/\s+/g, " ").trim();
  const bar = text.indexOf("|");
  if (bar >= 0) return [text.slice(0, bar).trim(), text.slice(bar + 1).trim()];
  const words = text.split(" ");
  if (words.length <= 3) return [text, ""];
  const at = pauseIn(words);
  return [words.slice(0, at).join(" "), words.slice(at).join(" ")];
}

/** The word that the second half begins with: one that leads on, and near the middle. */
function pauseIn(words: string[]): number {
  const middle = words.length / 2;
  const cost = (at: number) => Math.abs(at - middle) + (LEADS.has(words[at]!.toLowerCase()) ? 0 : words.length / 4);
  const places = words.map((_, at) => at).slice(1);
  return places.reduce((best, at) => (cost(at) < cost(best) ? at : best));
}
