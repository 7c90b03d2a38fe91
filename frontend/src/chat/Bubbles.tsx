import { go } from "../ui/route";
import type { View } from "./coach";
import { CoachFace } from "./CoachFace";
import { promptOf, suggestionsIn, type Suggestion } from "./suggestions";
import { answerOf, phaseOf, type Turn } from "./transcript";
import { cost, standing } from "./words";

interface Props {
  turn: Turn;
  /** Whether this is the answer that is told now, or the next to be. */
  isNext: boolean;
  line: View["line"];
  onRetry: () => void;
}

/** What somebody said, and what the coach said to it. Text is text: no markup, no links. */
export function Bubbles({ turn, isNext, line, onRetry }: Props) {
  const phase = phaseOf(turn);
  const answer = answerOf(turn);
  const isAway = phase === "sending" && line !== "open";
  const where = isAway ? "It goes out as soon as the gateway is back" : standing(turn, phase, isNext);
  return (
    <li className="turn" data-phase={phase} data-id={turn.id}>
      <div className="bubble mine">
        <span className="unseen">You said: </span>
        <p dir="auto">{turn.question ?? <em>Asked on another screen</em>}</p>
      </div>
      <div className="said">
        <CoachFace size={48} />
        <div className="bubble coach">
          <span className="unseen">The coach said: </span>
          {answer !== "" && (
            <p className="answer" dir="auto">
              {answer}
            </p>
          )}
          {where !== "" && (
            <p className="standing">
              {where}
              {(phase === "waiting" || phase === "sending") && <Dots />}
            </p>
          )}
          {turn.error?.message && phase === "failed" && <p className="reason">{turn.error.message}</p>}
          {phase === "refused" && (
            <button className="primary small" onClick={onRetry}>
              Send it again
            </button>
          )}
          {phase !== "answering" && <Ideas suggestions={suggestionsIn(answer)} />}
          {turn.metadata && phase !== "answering" && <p className="cost">{cost(turn.metadata)}</p>}
        </div>
      </div>
    </li>
  );
}

function Ideas({ suggestions }: { suggestions: readonly Suggestion[] }) {
  if (suggestions.length === 0) return null;
  return (
    <ul className="ideas" aria-label="Ideas in this answer">
      {suggestions.map((each) => (
        <li key={promptOf(each)}>
          <span className="caption" dir="auto">
            <span>{each.top}</span>
            <span>{each.bottom}</span>
          </span>
          <button
            className="primary small"
            aria-label={`Use as prompt: ${promptOf(each)}`}
            onClick={() => go(`#/?prompt=${encodeURIComponent(promptOf(each))}`)}
          >
            Use as prompt
          </button>
        </li>
      ))}
    </ul>
  );
}

const Dots = () => (
  <span className="dots" aria-hidden="true">
    <i />
    <i />
    <i />
  </span>
);
