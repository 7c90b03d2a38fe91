import type { Question } from "../../ui/Confirm";
import { useKeptFocus } from "../../ui/use";
import type { BattleView, HostAction } from "../types";

export interface Panels {
  hasLists: boolean;
  hasEngine: boolean;
  isCodeHidden: boolean;
  hasSound: boolean;
  hasShortcuts: boolean;
}

interface Props {
  view: BattleView;
  panels: Panels;
  turn: (panel: keyof Panels, on: boolean) => void;
  order: (action: HostAction) => void;
  ask: (question: Question) => void;
  /** Why the last order was not carried out. */
  complaint: string;
}

const END: Omit<Question, "run"> = {
  title: "End the battle now?",
  detail: "The podium comes up with the points so far. It cannot go on after that.",
  action: "End it",
};

/** The host's bar: what happens next, and what the screen shows. */
export function Controls({ view, panels, turn, order, ask, complaint }: Props) {
  const isPaused = view.remaining != null;
  const isRunning = view.phase !== "lobby" && view.phase !== "finished";
  const { place, ...focus } = useKeptFocus<HTMLElement>();
  return (
    <section ref={place} className="controls" aria-label="Host controls" tabIndex={-1} {...focus}>
      <div className="buttons orders">
        {view.phase === "lobby" && (
          <button
            type="button"
            className="primary"
            data-order="start"
            disabled={view.seats === 0}
            onClick={() => order("start")}
          >
            Start the battle
          </button>
        )}
        {isRunning && <Running isPaused={isPaused} order={order} />}
        {view.phase !== "finished" && (
          <button type="button" data-order="end" onClick={() => ask({ ...END, run: () => order("end") })}>
            End
          </button>
        )}
        {view.phase === "finished" && (
          <a className="button primary" href="#/battle">
            Another battle
          </a>
        )}
      </div>
      <p className="complaint" role="alert">
        {complaint}
      </p>
      <Switches view={view} panels={panels} turn={turn} />
    </section>
  );
}

function Running({ isPaused, order }: { isPaused: boolean; order: Props["order"] }) {
  return (
    <>
      <button
        type="button"
        className={isPaused ? "primary" : ""}
        data-order={isPaused ? "resume" : "pause"}
        aria-keyshortcuts="Space"
        onClick={() => order(isPaused ? "resume" : "pause")}
      >
        {isPaused ? "Go on" : "Pause"} <Key name="space" />
      </button>
      <button type="button" data-order="skip" aria-keyshortcuts="n" disabled={isPaused} onClick={() => order("skip")}>
        Skip <Key name="n" />
      </button>
      <button type="button" data-order="extend" onClick={() => order("extend")}>
        +30 s
      </button>
    </>
  );
}

function Switches({ view, panels, turn }: Pick<Props, "view" | "panels" | "turn">) {
  const waiting = view.entries.filter((entry) => entry.is_waiting).length;
  const toggles: [keyof Panels, string][] = [
    ["hasLists", waiting > 0 ? `Lists · ${waiting} wait` : "Lists"],
    ["hasEngine", "Engine room"],
    ["hasSound", "Sound"],
    ["isCodeHidden", "Hide the code"],
    ["hasShortcuts", "Shortcuts"],
  ];
  return (
    <div className="buttons switches-bar" role="group" aria-label="What the screen shows">
      {toggles.map(([panel, name]) => (
        <button
          key={panel}
          type="button"
          className="small toggle"
          data-panel={panel}
          data-urgent={panel === "hasLists" && waiting > 0}
          aria-pressed={panels[panel]}
          onClick={() => turn(panel, !panels[panel])}
        >
          {name}
          {panel === "hasEngine" && <Key name="e" />}
        </button>
      ))}
      <a className="button small" href={`#/tv/${view.battle_id}`} target="_blank" rel="noreferrer">
        Screen for the room
      </a>
    </div>
  );
}

const Key = ({ name }: { name: string }) => (
  <kbd className="key" aria-hidden="true">
    {name}
  </kbd>
);
