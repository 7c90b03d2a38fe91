/**
 * Five sliders that always add up to 100.
 *
 * Weights are whole percents here, so that they add up exactly. Who moves one takes from the others what it
 * gains, in proportion to what they have; of what cannot be shared evenly the largest remainder takes one more.
 */
import { WEIGHTED, type Weighted, type Weights } from "./types";

export const WHOLE = 100;

export type Percents = Readonly<Record<Weighted, number>>;

export function percentsOf(weights: Weights): Percents {
  return shared(weights, WHOLE);
}

/** As the server takes them: shares of 1. */
export function weightsOf(percents: Percents): Weights {
  return record((name) => percents[name] / WHOLE);
}

export function moved(percents: Percents, name: Weighted, to: number): Percents {
  const value = Math.min(WHOLE, Math.max(0, Math.round(to)));
  const others = record((each) => (each === name ? 0 : percents[each]));
  const total = sum(others);
  // nobody else has anything: they begin as equals
  const basis = total > 0 ? others : record((each) => (each === name ? 0 : 1));
  return { ...shared(basis, WHOLE - value), [name]: value };
}

/** `whole` in whole parts, in proportion to `basis`; what has no basis has no part. */
function shared(basis: Weights, whole: number): Weights {
  const total = sum(basis);
  const exact = record((name) => (basis[name] / total) * whole);
  const parts = record((name) => Math.floor(exact[name] + 1e-9));
  const byRemainder = WEIGHTED.filter((name) => basis[name] > 0).sort(
    (one, other) => exact[other] - parts[other] - (exact[one] - parts[one]),
  );
  for (const name of byRemainder.slice(0, whole - sum(parts))) parts[name] += 1;
  return parts;
}

const sum = (weights: Weights): number => WEIGHTED.reduce((total, name) => total + weights[name], 0);

const record = (value: (name: Weighted) => number): Weights =>
  Object.fromEntries(WEIGHTED.map((name) => [name, value(name)])) as Weights;
