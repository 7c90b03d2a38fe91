import type { RoomProps } from "../ui/rooms";
import { EngineRoom } from "./EngineRoom";

/** The engine room alone, as a page of its own: `#/engine`. */
export default function Room({ link, config }: RoomProps) {
  return (
    <div className="engine-page">
      <h1 className="unseen">How the platform is</h1>
      <EngineRoom link={link} requestSubject={config.request_subject} />
    </div>
  );
}
