import { useState } from "react";
import { figures, sumOfKeda } from "./figures";
import type { MemeStats } from "./types";

/** The figures as buttons: point at one, or focus it, and a line says what it means. */
export function Figures({ stats }: { stats: MemeStats | undefined }) {
  const [asked, ask] = useState<string>();
  const all = figures(stats);
  const meaning = all.find((figure) => figure.key === asked)?.meaning;
  return (
    <div className="figures" onMouseLeave={() => ask(undefined)}>
      <div className="gauges">
        {all.map(({ key, name, value, isBad }) => (
          <button
            key={key}
            type="button"
            className="gauge"
            data-gauge={key}
            data-bad={isBad === true}
            data-asked={key === asked}
            aria-describedby="gauge-meaning"
            onMouseEnter={() => ask(key)}
            onFocus={() => ask(key)}
            onClick={() => ask(key)}
          >
            <span className="gauge-value">{value}</span>
            <span className="gauge-name">{name}</span>
          </button>
        ))}
      </div>
      <p id="gauge-meaning" className="meaning">
        {meaning ?? sumOfKeda(stats)}
      </p>
      <div className="unseen">
        <table>
          <caption>The figures and what they mean</caption>
          <tbody>
            {all.map(({ key, name, value, meaning: means }) => (
              <tr key={key}>
                <th scope="row">{name}</th>
                <td>{value}</td>
                <td>{means}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
