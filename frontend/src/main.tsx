import "@fontsource/fredoka/latin-600.css";
import "@fontsource/fredoka/latin-ext-600.css";
import "./ui/styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { config } from "./memes/http";
import { memesRoom } from "./memes/Room";
import { Studio } from "./memes/studio";
import { Link, websocketUrl } from "./nats/link";
import { App } from "./ui/App";
import { ROOMS } from "./ui/rooms";

// the gateway may be a moment late; these are its own defaults
const settings = await config().catch(() => ({
  websocket_url: null,
  request_subject: "meme.request",
  response_subject: "meme.response",
}));
const link = new Link(websocketUrl(settings.websocket_url));
const studio = new Studio(settings, link);
studio.open();
void link.open();

createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <App link={link} config={settings} rooms={[memesRoom(studio), ...ROOMS]} />
  </StrictMode>,
);
