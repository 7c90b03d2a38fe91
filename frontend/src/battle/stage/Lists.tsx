import type { Question } from "../../ui/Confirm";
import { Face } from "../Face";
import type { BattleView, EntryView, HostAction, PlayerView } from "../types";

interface Props {
  view: BattleView;
  order: (action: HostAction, ...targets: string[]) => void;
  ask: (question: Question) => void;
}

/** All memes of the round and all players, for the host's eyes: let in, take off, send out. */
export function Lists({ view, order, ask }: Props) {
  const memes = view.entries.filter((entry) => entry.image_url);
  const waiting = memes.filter((entry) => entry.is_waiting);
  return (
    <aside className="lists panel" aria-label="Memes and players">
      <h2>Memes</h2>
      {waiting.length > 1 && (
        <button type="button" className="small" onClick={() => ask(letAllIn(waiting, order))}>
          Show all {waiting.length}
        </button>
      )}
      {memes.length === 0 && <p className="empty">None to see yet.</p>}
      <ul className="meme-list">
        {memes.map((entry) => (
          <MemeLine key={entry.id} entry={entry} order={order} ask={ask} />
        ))}
      </ul>
      <h2>Players</h2>
      {view.players.length === 0 && <p className="empty">Nobody has joined yet.</p>}
      <ul className="player-list">
        {view.players.map((player) => (
          <PlayerLine key={player.seat} player={player} order={order} ask={ask} />
        ))}
      </ul>
    </aside>
  );
}

function MemeLine({ entry, order, ask }: { entry: EntryView } & Omit<Props, "view">) {
  return (
    <li className="meme-line" data-entry={entry.id} data-waiting={entry.is_waiting}>
      <img src={entry.image_url!} alt={entry.prompt ? `Meme: ${entry.prompt}` : "A meme of this round"} />
      <div className="buttons">
        {entry.is_waiting && (
          <button type="button" className="primary small" onClick={() => order("approve", entry.id)}>
            Show it
          </button>
        )}
        <button type="button" className="small" onClick={() => ask(hide(entry, order))}>
          Hide
        </button>
      </div>
    </li>
  );
}

function PlayerLine({ player, order, ask }: { player: PlayerView } & Omit<Props, "view">) {
  return (
    <li className="player-line" data-seat={player.seat}>
      <Face number={player.avatar} size={36} />
      <span className="score-name">{player.name}</span>
      {player.is_out ? (
        <span className="empty">sent out</span>
      ) : (
        <button
          type="button"
          className="small"
          aria-label={`Send out ${player.name}`}
          onClick={() => ask(kick(player, order))}
        >
          Send out
        </button>
      )}
    </li>
  );
}

const hide = (entry: EntryView, order: Props["order"]): Question => ({
  title: "Hide this meme?",
  detail: "It leaves the screen and the battle. It cannot come back.",
  action: "Hide it",
  run: () => order("hide", entry.id),
});

const kick = (player: PlayerView, order: Props["order"]): Question => ({
  title: `Send out ${player.name}?`,
  detail: "They leave with their memes, and cannot come back to this battle.",
  action: "Send out",
  run: () => order("kick", player.seat),
});

const letAllIn = (waiting: readonly EntryView[], order: Props["order"]): Question => ({
  title: `Show all ${waiting.length} memes?`,
  detail: "Everybody in the room will see them.",
  action: "Show them",
  run: () => order("approve", ...waiting.map((entry) => entry.id)),
});
