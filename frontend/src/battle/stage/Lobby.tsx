import type { BattleView } from "../types";
import { isOnlyHere, joinUrl, shortAddress } from "./address";
import { Faces } from "./Faces";
import { QrCode } from "./QrCode";

/** With more players their faces need the room. */
const MANY = 24;

interface Props {
  view: BattleView;
  isCodeHidden: boolean;
}

/** How to come in, readable from the last row, and who has. */
export function Lobby({ view, isCodeHidden }: Props) {
  const code = view.battle_id;
  return (
    <div className="scene lobby" data-many={view.seats > MANY}>
      <div className="invitation">
        <div className="invitation-words">
          <h1>Join the battle</h1>
          <p className="way">
            Point your camera at the code, or go to <strong>{shortAddress()}</strong> and type
          </p>
          <Letters code={code} isHidden={isCodeHidden} />
          {isOnlyHere() && (
            <p className="advice">
              Phones cannot reach this address. Open this page under the computer’s name or number in the network.
            </p>
          )}
        </div>
        {!isCodeHidden && <QrCode text={joinUrl(code)} label={`QR code that leads to battle ${code}`} />}
      </div>
      <section className="arrivals" aria-labelledby="arrivals-title">
        <h2 id="arrivals-title">{arrivals(view.seats)}</h2>
        <Faces players={view.players} />
      </section>
    </div>
  );
}

/** Four letters on four cards. */
export function Letters({ code, isHidden }: { code: string; isHidden: boolean }) {
  return (
    <p className="letters" data-testid="code" data-code={isHidden ? "hidden" : code}>
      <span className="unseen">{isHidden ? "The code is hidden" : `Code ${[...code].join(" ")}`}</span>
      {[...code].map((letter, at) => (
        <span key={at} className="letter" aria-hidden="true">
          {isHidden ? "•" : letter}
        </span>
      ))}
    </p>
  );
}

function arrivals(seats: number): string {
  if (seats === 0) return "Who dares to be first?";
  return seats === 1 ? "One is here" : `${seats} are here`;
}
