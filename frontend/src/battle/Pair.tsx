import { useEffect, useState } from "react";
import type { Choice, EntryView } from "./types";

interface Props {
  left: EntryView;
  right: EntryView;
  chosen: Choice | undefined;
  onChoose: (choice: Choice) => void;
}

/** Two memes and a choice: by touch, by arrow keys, by 1 and 2. The next two come into the same buttons. */
export function Pair({ left, right, chosen, onChoose }: Props) {
  const isReady = useLoaded([left.image_url, right.image_url]);
  const isOpen = isReady && chosen === undefined;
  useKeys(isOpen, onChoose);
  return (
    <>
      <div className="pair" data-chosen={chosen} aria-busy={!isReady}>
        {([left, right] as const).map((entry, side) => (
          <Side
            key={SIDES[side]}
            entry={entry}
            number={side + 1}
            isReady={isReady}
            isChosen={chosen === SIDES[side]}
            isOpen={isOpen}
            onChoose={() => onChoose(SIDES[side]!)}
          />
        ))}
      </div>
      <div className="buttons centred">
        <button className="quiet" aria-disabled={!isOpen} onClick={() => isOpen && onChoose("skip")}>
          Skip: I cannot decide
        </button>
      </div>
    </>
  );
}

const SIDES: readonly Choice[] = ["left", "right"];

interface SideProps {
  entry: EntryView;
  number: number;
  isReady: boolean;
  isChosen: boolean;
  isOpen: boolean;
  onChoose: () => void;
}

/** Disabled by attribute only: a button that is taken away takes the focus with it. */
function Side({ entry, number, isReady, isChosen, isOpen, onChoose }: SideProps) {
  const name = entry.prompt ? `Meme ${number}: ${entry.prompt}` : `Meme ${number}`;
  return (
    <button className="side frame" aria-pressed={isChosen} aria-disabled={!isOpen} onClick={() => isOpen && onChoose()}>
      {isReady && entry.image_url ? (
        <img src={entry.image_url} alt={name} width="512" height="512" />
      ) : (
        <span className="unseen">{name}</span>
      )}
      <span className="badge" aria-hidden="true">
        {number}
      </span>
      {isChosen && (
        <span className="stamp" aria-hidden="true">
          mine!
        </span>
      )}
    </button>
  );
}

const KEYS: Partial<Record<string, Choice>> = {
  ArrowLeft: "left",
  1: "left",
  ArrowRight: "right",
  2: "right",
  s: "skip",
  0: "skip",
};

/** Only while the focus is in the phase: letters that are typed or spoken anywhere else are no votes. */
function useKeys(isOpen: boolean, onChoose: (choice: Choice) => void): void {
  useEffect(() => {
    if (!isOpen) return;
    const pressed = (event: KeyboardEvent) => {
      const choice = KEYS[event.key];
      if (!choice || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!document.activeElement?.closest(".phase")) return;
      event.preventDefault();
      onChoose(choice);
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [isOpen, onChoose]);
}

/** Both pictures, or neither: who sees one first is not asked fairly. */
function useLoaded(addresses: readonly (string | null | undefined)[]): boolean {
  const key = addresses.join(" ");
  const [loaded, setLoaded] = useState("");
  useEffect(() => {
    let isOver = false;
    void Promise.allSettled(addresses.map((address) => (address ? picture(address) : undefined))).then(() => {
      if (!isOver) setLoaded(key);
    });
    return () => {
      isOver = true;
    };
  }, [key]);
  return loaded === key;
}

function picture(address: string): Promise<void> {
  return Object.assign(new Image(), { src: address }).decode();
}
