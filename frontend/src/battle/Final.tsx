import { useCallback, useState } from "react";
import type { GameProps } from "./Game";
import { Pair } from "./Pair";
import { duelName, entryOf, isLastDuel, lastDuel } from "./results";
import type { BattleView, Choice, DuelView } from "./types";
import { duelTitle, plural, sentence } from "./words";

const DUEL = "duel";

/** Two memes of the final: choose, unless one of them is yours. */
export function Duel({ arena, standing, view }: GameProps) {
  const { me, refused } = standing;
  const [choice, setChoice] = useState<Choice>();
  const duel = lastDuel(view);
  const choose = useCallback(
    (chosen: Choice) => {
      if (!duel) return;
      setChoice(chosen);
      arena.post(DUEL, "vote", { match: duelName(duel), left: duel.left, right: duel.right, choice: chosen });
    },
    [arena, duel],
  );
  const [left, right] = [entryOf(view, duel?.left), entryOf(view, duel?.right)];
  if (!duel || !left || !right) return <h1>The final begins</h1>;
  if (me?.is_on_stage) return <OnStage view={view} duel={duel} />;
  if (me?.is_player && me.is_on_stage === undefined)
    return <Watching title={duelTitle(view, duel)} view={view} duel={duel} detail="Who is against whom …" />;
  if (me?.has_chosen || !me?.is_player)
    return <Watching title={me?.has_chosen ? "Your vote is in" : duelTitle(view, duel)} view={view} duel={duel} />;
  return (
    <div className="voting">
      <h1>
        {duelTitle(view, duel)}: which one {isLastDuel(view, duel) ? "wins" : "goes on"}?
      </h1>
      <Pair left={left} right={right} chosen={refused?.slot === DUEL ? "skip" : choice} onChoose={choose} />
      <p className="soft centred-text" role="status">
        {refused?.slot === DUEL && sentence(refused.error)}
      </p>
    </div>
  );
}

function OnStage({ view, duel }: { view: BattleView; duel: DuelView }) {
  return (
    <Watching
      title="Your meme is on stage!"
      view={view}
      duel={duel}
      detail="Everybody else is choosing. Look up, and look innocent."
    />
  );
}

function Watching({ title, view, duel, detail }: { title: string; view: BattleView; duel: DuelView; detail?: string }) {
  return (
    <div className="waiting">
      <h1>{title}</h1>
      <Two view={view} duel={duel} />
      <p className="panel aside">{detail ?? "The others are still choosing."}</p>
    </div>
  );
}

/** How the match went. */
export function Verdict({ view }: GameProps) {
  const duel = lastDuel(view);
  if (!duel) return <h1>The verdict</h1>;
  return (
    <div className="waiting">
      <h1>{duel.is_tie ? "A tie!" : "The votes are in"}</h1>
      {duel.is_tie && (
        <p className="soft">
          The meme that did better in the rounds {isLastDuel(view, duel) ? "wins" : "goes on"}.
        </p>
      )}
      <Two view={view} duel={duel} />
    </div>
  );
}

function Two({ view, duel }: { view: BattleView; duel: DuelView }) {
  return (
    <div className="pair still">
      <One view={view} id={duel.left} votes={duel.votes_left} hasWon={duel.winner === duel.left} />
      <One view={view} id={duel.right} votes={duel.votes_right} hasWon={duel.winner === duel.right} />
    </div>
  );
}

interface OneProps {
  view: BattleView;
  id: string;
  votes: number | null | undefined;
  hasWon: boolean;
}

function One({ view, id, votes, hasWon }: OneProps) {
  const entry = entryOf(view, id);
  return (
    <figure className="one" data-won={hasWon}>
      <div className="frame">
        {entry?.image_url && (
          <img src={entry.image_url} alt={entry.prompt ?? "A meme of the final"} width="512" height="512" />
        )}
        {hasWon && <span className="stamp">wins</span>}
      </div>
      <figcaption>{votes != null && plural(votes, "vote")}</figcaption>
    </figure>
  );
}
