import { useEffect, useState } from "react";
import { look } from "../memes/http";
import { isError, type Answer, type MemeStatus } from "../memes/types";
import type { Link } from "../nats/link";

/** How far one's own picture is. */
export interface Painting {
  state: "sent" | "queued" | "running" | "done" | "failed";
  position?: number;
  worker?: string;
  imageUrl?: string;
  error?: string;
}

/** Follow a request for a picture by what the workers say of it, and by its answer, which may be there already. */
export function usePainting(link: Link, requestId: string | null | undefined): Painting | undefined {
  const [painting, setPainting] = useState<{ of: string; now: Painting }>();
  useEffect(() => {
    if (!requestId) return;
    const told = (change: (before: Painting | undefined) => Painting) =>
      setPainting((before) => ({ of: requestId, now: change(before?.of === requestId ? before.now : undefined) }));
    const answered = (answer: Answer) => told(() => asPainting(answer));
    const undos = [
      link.listen(`answers.meme.${requestId}.>`, (body) => answered(body as Answer)),
      link.listen(`meme.status.${requestId}`, (body) => told((before) => withStatus(before, body as MemeStatus))),
      link.onLive(
        () =>
          void look(requestId).then(
            (answer) => answer && answered(answer),
            () => {},
          ),
      ),
    ];
    return () => undos.forEach((undo) => undo());
  }, [link, requestId]);
  if (!requestId) return undefined;
  return painting?.of === requestId ? painting.now : { state: "sent" };
}

function asPainting(answer: Answer): Painting {
  return isError(answer) ? { state: "failed", error: answer.error } : { state: "done", imageUrl: answer.image_url };
}

/** News of the queue is best effort: it never takes back an answer. */
export function withStatus(before: Painting | undefined, status: MemeStatus): Painting {
  if (before?.state === "done" || before?.state === "failed") return before;
  if (status.state !== "queued" && status.state !== "running") return before ?? { state: "sent" };
  return {
    state: status.state,
    worker: status.worker,
    ...(status.state === "queued" && status.position !== undefined && { position: status.position }),
  };
}
