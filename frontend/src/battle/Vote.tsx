import { useCallback, useEffect, useRef, useState } from "react";
import { announce } from "../ui/announcer";
import type { GameProps } from "./Game";
import { OwnMeme } from "./OwnMeme";
import { Pair } from "./Pair";
import type { Standing } from "./standing";
import type { Choice } from "./types";
import type { Painting } from "./usePainting";
import { plural, sentence } from "./words";

interface Props extends GameProps {
  painting: Painting | undefined;
}

const VOTE = "vote";

/** Which of the two? As often as there is something to ask. */
export function Vote({ arena, standing, view, painting }: Props) {
  const { question, refused, me } = standing;
  const [choice, setChoice] = useState<{ match: string; choice: Choice }>();
  useProgress(standing);
  const choose = useCallback(
    (chosen: Choice) => {
      if (!question) return;
      const { match, ticket, left, right } = question;
      setChoice({ match, choice: chosen });
      arena.post(VOTE, "vote", { match, ticket, left: left.id, right: right.id, choice: chosen });
    },
    [arena, question],
  );
  if (!question || !me?.is_player) {
    const title = !me?.is_player ? "Everybody votes" : standing.hasNoMore ? "That was all" : "One moment";
    return <Waiting title={title} view={view} prompt={me?.prompt} painting={painting} />;
  }
  const isKept = standing.sending.includes(VOTE) && standing.isStale;
  return (
    <div className="voting">
      <h1>Which is better?</h1>
      <div className="progress">
        <progress className="bar-of" value={question.number - 1} max={question.of} aria-label="Questions answered" />
        <span>
          {question.number} of {question.of}
        </span>
      </div>
      <Pair
        left={question.left}
        right={question.right}
        chosen={choice?.match === question.match ? choice.choice : undefined}
        onChoose={choose}
      />
      <p className="soft centred-text" role="status">
        {isKept && "Kept: your vote goes out as soon as the link is back."}
        {!isKept && refused?.slot === VOTE && sentence(refused.error)}
      </p>
    </div>
  );
}

/** The next question and the end of them are said aloud; the first one came with the phase. */
function useProgress({ question, hasNoMore }: Standing): void {
  const now = question?.match ?? (hasNoMore ? "none" : undefined);
  const last = useRef(now);
  useEffect(() => {
    if (!now || now === last.current) return;
    if (!question) announce("That was all");
    else if (last.current) announce(`Question ${question.number} of ${question.of}`);
    last.current = now;
  }, [now, question]);
}

interface WaitingProps {
  title: string;
  view: GameProps["view"];
  prompt: string | null | undefined;
  painting: Painting | undefined;
}

function Waiting({ title, view, prompt, painting }: WaitingProps) {
  return (
    <div className="waiting">
      <h1>{title}</h1>
      <p className="soft">
        {view.voters_done} of {plural(view.seats, "player")} have judged · {plural(view.votes, "vote")} so far
      </p>
      <progress
        className="bar-of"
        value={view.voters_done}
        max={Math.max(1, view.seats)}
        aria-label="Players who have judged"
      />
      {prompt ? (
        <OwnMeme prompt={prompt} painting={painting} />
      ) : (
        <p className="panel aside">The result comes in a moment.</p>
      )}
    </div>
  );
}
