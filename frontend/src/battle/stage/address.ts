/** The address that phones go to. */

type Place = Pick<Location, "origin" | "pathname">;

/** What the QR code says: straight into this battle. */
export const joinUrl = (code: string, page: Place = window.location): string =>
  `${page.origin}${page.pathname}#/battle/${code}`;

/** What people type; the gateway shows the way from there, and the code is typed on the page. */
export const shortAddress = ({ host }: Pick<Location, "host"> = window.location): string => `${host}/battle`;

/** Whether this address leads every phone to itself. */
export const isOnlyHere = ({ hostname }: Pick<Location, "hostname"> = window.location): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
