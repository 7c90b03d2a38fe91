import "@fontsource-variable/fredoka/wght.css";
import "./ui/styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { config } from "./memes/http";
import { Studio } from "./memes/studio";
import { Link, websocketUrl } from "./nats/link";
import { App } from "./ui/App";

// the gateway may be a moment late; these are its own defaults
const settings = await config().catch(() => ({
  websocket_url: null,
  request_subject: "meme.request",
  response_subject: "meme.response",
}));
const studio = new Studio(settings, new Link(websocketUrl(settings.websocket_url)));
studio.open();

createRoot(document.getElementById("page")!).render(
  <StrictMode>
    <App studio={studio} />
  </StrictMode>,
);
