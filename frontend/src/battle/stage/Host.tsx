import "./host.css";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { statsOf } from "../../engine-room/stats";
import { Confirm, type Question } from "../../ui/Confirm";
import type { RoomProps } from "../../ui/rooms";
import { tokenOf } from "../seat";
import type { HostAction } from "../types";
import { useArena } from "../useArena";
import { useAwake } from "../useAwake";
import { Controls, type Panels } from "./Controls";
import { useShortcuts, type Shortcut } from "./keys";
import { Lists } from "./Lists";
import { carryOut, ordersOf } from "./orders";
import { Stage } from "./Stage";
import { useSwitch } from "./switches";
import { useSpeaker } from "./useSpeaker";

const EngineRoom = lazy(() =>
  import("../../engine-room/EngineRoom").then(({ EngineRoom }) => ({ default: EngineRoom })),
);

/** The host's screen: the stage, and a bar to run it with. */
export default function Host({ link, config, route }: RoomProps) {
  const code = (route.path[1] ?? "").toUpperCase();
  const token = useMemo(() => tokenOf(code), [code]);
  const { arena, standing } = useArena(link, code, { token, isScreen: true });
  const [panels, turn] = usePanels(code);
  const [question, ask] = useState<Question>();
  const [complaint, complain] = useState("");
  const speaker = useSpeaker();
  useEffect(() => void statsOf(link), [link]);
  useAwake(true);
  const isHost = standing.me?.is_host === true;
  const { view } = standing;

  async function order(action: HostAction, ...targets: string[]) {
    complain("");
    await carryOut(ordersOf(action, targets, view), (each) => arena.send("host", each), complain);
    await arena.look();
  }

  function press(shortcut: Shortcut) {
    if (shortcut === "engine") turn("hasEngine", !panels.hasEngine);
    else if (!view || view.phase === "lobby" || view.phase === "finished") return;
    else if (shortcut === "skip") void order("skip");
    else void order(view.remaining != null ? "resume" : "pause");
  }

  useShortcuts(panels.hasShortcuts && isHost, press);

  return (
    <div className="host" data-engine={panels.hasEngine} data-lists={panels.hasLists}>
      <Stage link={link} arena={arena} standing={standing} isCodeHidden={panels.isCodeHidden} speaker={speaker} />
      {panels.hasLists && view && isHost && (
        <Lists view={view} order={(action, ...targets) => void order(action, ...targets)} ask={ask} />
      )}
      {panels.hasEngine && (
        <aside className="engine-panel panel" aria-label="Engine room">
          <Suspense fallback={<p className="empty">One moment …</p>}>
            <EngineRoom link={link} requestSubject={config.request_subject} />
          </Suspense>
        </aside>
      )}
      {view && isHost && (
        <Controls
          view={view}
          panels={panels}
          turn={(panel, on) => {
            if (panel === "hasSound") speaker.turn(on);
            turn(panel, on);
          }}
          order={(action) => void order(action)}
          ask={ask}
          complaint={complaint}
        />
      )}
      {view && standing.me && !isHost && <NotHost code={code} />}
      {view && !token && <NotHost code={code} />}
      {question && <Confirm question={question} onDone={() => ask(undefined)} />}
    </div>
  );
}

function NotHost({ code }: { code: string }) {
  return (
    <p className="controls not-host">
      This device is not the host of {code}. <a href={`#/tv/${code}`}>Show it as a screen</a> or{" "}
      <a href={`#/battle/${code}`}>play along</a>.
    </p>
  );
}

/** What is shown. The hidden code and the keys are kept on this device; sound is always off at first. */
function usePanels(code: string): [Panels, (panel: keyof Panels, on: boolean) => void] {
  const [isCodeHidden, hideCode] = useSwitch(`hidden:${code}`, false);
  const [hasShortcuts, allowShortcuts] = useSwitch("shortcuts", true);
  const [open, setOpen] = useState({ hasLists: false, hasEngine: false, hasSound: false });
  const panels = { ...open, isCodeHidden, hasShortcuts };
  const turn = (panel: keyof Panels, on: boolean) => {
    if (panel === "isCodeHidden") hideCode(on);
    else if (panel === "hasShortcuts") allowShortcuts(on);
    else setOpen((before) => ({ ...before, [panel]: on }));
  };
  return [panels, turn];
}
