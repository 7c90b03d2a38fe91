import { useEffect, useRef } from "react";

export interface Question {
  title: string;
  detail: string;
  /** The word on the button that does it. */
  action: string;
  run: () => void;
}

/** Ask before something that cannot be undone. Escape means no. */
export function Confirm({ question, onDone }: { question: Question; onDone: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const safe = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    safe.current?.focus();
  }, []);
  const { title, detail, action, run } = question;
  return (
    <dialog ref={dialog} className="confirm panel" aria-labelledby="confirm-title" onClose={onDone}>
      <h2 id="confirm-title">{title}</h2>
      <p>{detail}</p>
      <div className="buttons">
        <button type="button" className="danger" data-testid="confirm" onClick={() => (run(), dialog.current?.close())}>
          {action}
        </button>
        <button ref={safe} type="button" onClick={() => dialog.current?.close()}>
          Leave it
        </button>
      </div>
    </dialog>
  );
}
