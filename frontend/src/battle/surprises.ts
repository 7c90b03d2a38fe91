/** Lines for those who have none, made of the theme of the round. */

const LINES: readonly ((theme: string) => string)[] = [
  (theme) => `Nobody: | Me: ${theme}`,
  (theme) => `${theme} | how it started, how it is going`,
  (theme) => `One does not simply | survive ${theme}`,
  (theme) => `Tell me you know ${theme} | without telling me`,
  (theme) => `A raccoon explains ${theme} | with far too much confidence`,
  (theme) => `I was told there would be cake | not ${theme}`,
  (theme) => `A penguin on a skateboard | enters ${theme}`,
  (theme) => `Day 1: so excited | Day 2: ${theme}`,
  (theme) => `My plan | ${theme}`,
  (theme) => `A cat judging you | during ${theme}`,
  (theme) => `${theme} | but make it dramatic`,
  (theme) => `Scientists baffled | by ${theme}`,
];

/** Another line than what stands there. */
export function surpriseFor(theme: string, current: string, random: () => number = Math.random): string {
  const others = LINES.map((line) => capital(line(spoken(theme)))).filter((line) => line !== current);
  return others[Math.floor(random() * others.length)]!;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** "Deploying on Friday" in the middle of a sentence; "My code" and "Wi-Fi" keep their capitals where it counts. */
const spoken = (theme: string): string =>
  /^[A-Z][a-z]/.test(theme) ? theme.charAt(0).toLowerCase() + theme.slice(1) : theme;
