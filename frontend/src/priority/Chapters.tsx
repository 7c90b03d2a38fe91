import type { Chapter } from "./story";
import { LEVEL, score } from "./words";

/** What was said and decided about a task, oldest first. */
export function Chapters({ chapters }: { chapters: readonly Chapter[] }) {
  if (chapters.length === 0) return null;
  return (
    <>
      <h3>What happened</h3>
      <ol className="chapters">
        {chapters.map((chapter) => (
          <li key={chapter.place} data-kind={chapter.kind}>
            <time dateTime={whenOf(chapter)}>{new Date(whenOf(chapter)).toLocaleTimeString()}</time>
            <span dir="auto">{inWords(chapter)}</span>
          </li>
        ))}
      </ol>
    </>
  );
}

function whenOf({ data }: Chapter): string {
  return "processed_at" in data ? data.processed_at : data.created_at;
}

function inWords(chapter: Chapter): string {
  switch (chapter.kind) {
    case "result": {
      const { priority_metrics: metrics, urgency_level: level, revision } = chapter.data;
      return `Scored ${score(metrics.final_priority_score)}, ${LEVEL[level]}${revision > 1 ? `, revision ${revision}` : ""}`;
    }
    case "error":
      return `Not scored: ${chapter.data.error}`;
    case "suggestions":
      return chapter.data.origin === "llm" ? "A language model suggested what to do" : "Rules suggested what to do";
    case "override":
      return decision(chapter.data);
  }
}

function decision({ action, urgency_level: level, final_priority_score: points, by, reason }: OverrideData): string {
  const who = by || "Somebody";
  const why = reason ? `: ${reason}` : "";
  if (action === "withdraw") return `${who} took it out of the ranking${why}`;
  if (action === "clear") return `${who} took the decision back${why}`;
  const what = [level && LEVEL[level], points != null && score(points)].filter(Boolean).join(", ");
  return `${who} decided ${what}${why}`;
}

type OverrideData = Extract<Chapter, { kind: "override" }>["data"];
