import { useState } from "react";
import { Face } from "./Face";
import type { GameProps } from "./Game";
import { plural, sentence } from "./words";

/** Here we are: who else is, and that it begins when the host says so. */
export function Lobby({ arena, standing, view }: GameProps) {
  const { me } = standing;
  const others = view.players.filter((player) => player.seat !== me?.seat && !player.is_out);
  const unnamed = view.seats - others.length - (me?.is_player ? 1 : 0);
  return (
    <div className="lobby">
      {me?.is_player && (
        <div className="you panel">
          <Face number={me.avatar} size={120} />
          <h1>You are in, {me.name}!</h1>
          <p className="soft">The battle begins when the host starts it.</p>
        </div>
      )}
      {!me?.is_player && <h1>It has not begun yet</h1>}
      <h2>{plural(view.seats, "player")} here</h2>
      <ul className="guests">
        {others.map((player) => (
          <li key={player.seat}>
            <Face number={player.avatar} size={44} />
            {player.name}
          </li>
        ))}
        {unnamed > 0 && (
          <li className="more">{others.length > 0 ? `and ${unnamed} more` : `${plural(unnamed, "other player")}`}</li>
        )}
      </ul>
      {me?.is_host && <HostCorner arena={arena} />}
      <details className="how">
        <summary>How it works</summary>
        <ol>
          <li>Each round has a theme: write a line for a meme before the whistle.</li>
          <li>The workers paint everybody's line.</li>
          <li>Two memes at a time: say which is better. Nobody knows whose they are.</li>
          <li>The best meme of each round scores; the four best meet in the final.</li>
        </ol>
      </details>
    </div>
  );
}

function HostCorner({ arena }: Pick<GameProps, "arena">) {
  const [complaint, setComplaint] = useState("");
  async function start() {
    const reply = await arena.send("host", { action: "start" });
    if (!reply.ok) setComplaint(sentence(reply.error ?? "that did not work"));
  }
  return (
    <div className="corner">
      <p className="buttons centred">
        <button className="primary" onClick={() => void start()}>
          Start the battle
        </button>
        <a className="button" href={`#/host/${arena.code}`}>
          To the host's screen
        </a>
      </p>
      <p className="complaint" role="alert">
        {complaint}
      </p>
    </div>
  );
}
