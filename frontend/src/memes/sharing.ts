/** Taking a meme elsewhere: as another kind of file, or as a link. */
import { save } from "../ui/download";
import type { MemeCreated } from "./types";

/** Throws when the picture cannot be loaded any more. */
export async function saveAsPng(picture: string, name: string): Promise<void> {
  const image = Object.assign(new Image(), { src: picture });
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), {
    width: image.naturalWidth,
    height: image.naturalHeight,
  });
  canvas.getContext("2d")!.drawImage(image, 0, 0);
  canvas.toBlob((blob) => blob && save(blob, `${name}.png`), "image/png");
}

/** The picture's own address: by the phone's sheet, by the clipboard, or to be copied by hand. Says which. */
export async function shareLink(meme: MemeCreated): Promise<string> {
  const url = new URL(meme.image_url, window.location.href).href;
  try {
    if (navigator.share) {
      await navigator.share({ title: "memebattle", text: meme.prompt, url });
      return "";
    }
    await navigator.clipboard.writeText(url);
    return "The link is in the clipboard.";
  } catch (error) {
    // both need https; whoever closed the sheet knows
    return (error as Error).name === "AbortError" ? "" : `The link: ${url}`;
  }
}
