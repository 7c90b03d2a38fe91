import "./host.css";
import { lazy, Suspense, useEffect, useState } from "react";
import { statsOf } from "../../engine-room/stats";
import type { RoomProps } from "../../ui/rooms";
import { useArena } from "../useArena";
import { useAwake } from "../useAwake";
import { Stage } from "./Stage";
import { useSwitch } from "./switches";
import { useSpeaker } from "./useSpeaker";

const EngineRoom = lazy(() =>
  import("../../engine-room/EngineRoom").then(({ EngineRoom }) => ({ default: EngineRoom })),
);

/** The same stage for the room: no seat, no token, little to press. */
export default function Screen({ link, config, route }: RoomProps) {
  const code = (route.path[1] ?? "").toUpperCase();
  const { arena, standing } = useArena(link, code, { isScreen: true });
  const [isCodeHidden] = useSwitch(`hidden:${code}`, false);
  const [hasEngine, showEngine] = useState(false);
  const [hasSound, setSound] = useState(false);
  const speaker = useSpeaker();
  useEffect(() => void statsOf(link), [link]);
  useAwake(true);
  const isHidden = isCodeHidden || route.query.get("code") === "hidden";
  return (
    <div className="host" data-engine={hasEngine} data-lists="false">
      <Stage link={link} arena={arena} standing={standing} isCodeHidden={isHidden} speaker={speaker}>
        <div className="buttons corner" role="group" aria-label="This screen">
          <button
            type="button"
            className="small toggle"
            data-panel="hasSound"
            aria-pressed={hasSound}
            onClick={() => (speaker.turn(!hasSound), setSound(!hasSound))}
          >
            Sound
          </button>
          <button
            type="button"
            className="small toggle"
            data-panel="hasEngine"
            aria-pressed={hasEngine}
            onClick={() => showEngine(!hasEngine)}
          >
            Engine room
          </button>
        </div>
      </Stage>
      {hasEngine && (
        <aside className="engine-panel panel" aria-label="Engine room">
          <Suspense fallback={<p className="empty">One moment …</p>}>
            <EngineRoom link={link} requestSubject={config.request_subject} />
          </Suspense>
        </aside>
      )}
    </div>
  );
}
