/** The meme of a battle as a picture to keep: drawn here, with the colours of the page by day. */
import { save } from "../ui/download";

export interface CardOf {
  code: string;
  image: string;
  prompt: string;
  name: string;
  at: Date;
}

const [WIDTH, HEIGHT, EDGE] = [1080, 1420, 60];
const INNER = WIDTH - 2 * EDGE;
const [INK, PAPER, DOTS, SUN] = ["#1d1836", "#fff4dc", "#f3dfb4", "#ffcf33"];

export async function winnerCard(card: CardOf): Promise<Blob> {
  const picture = Object.assign(new Image(), { src: card.image });
  await Promise.all([picture.decode(), document.fonts.load("600 40px Fredoka")]);
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const pen = canvas.getContext("2d")!;
  paper(pen);
  title(pen, `Champion of ${card.code}`);
  framed(pen, picture, EDGE, 190);
  signature(pen, card);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"),
  );
}

function paper(pen: CanvasRenderingContext2D): void {
  pen.fillStyle = PAPER;
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  pen.fillStyle = DOTS;
  for (let y = 20; y < HEIGHT; y += 40) {
    for (let x = 20; x < WIDTH; x += 40) pen.fillRect(x, y, 6, 6);
  }
}

function title(pen: CanvasRenderingContext2D, text: string): void {
  box(pen, EDGE, 45, INNER, 110, SUN);
  write(pen, text, WIDTH / 2, 120, 62, "center");
}

function framed(pen: CanvasRenderingContext2D, picture: HTMLImageElement, x: number, y: number): void {
  box(pen, x, y, INNER, INNER, "#fff");
  pen.save();
  pen.beginPath();
  pen.roundRect(x + 5, y + 5, INNER - 10, INNER - 10, 23);
  pen.clip();
  pen.drawImage(picture, x, y, INNER, INNER);
  pen.restore();
}

function signature(pen: CanvasRenderingContext2D, { name, prompt, at }: CardOf): void {
  const day = at.toLocaleDateString("en", { day: "numeric", month: "long", year: "numeric" });
  write(pen, name ? `by ${name}` : "", EDGE, 1240, 54, "left");
  write(pen, prompt, EDGE, 1300, 34, "left");
  write(pen, `memebattle · ${day}`, EDGE, 1365, 34, "left");
}

function box(pen: CanvasRenderingContext2D, x: number, y: number, width: number, height: number, fill: string): void {
  pen.lineWidth = 8;
  pen.strokeStyle = pen.fillStyle = INK;
  round(pen, x + 12, y + 12, width, height).fill();
  pen.fillStyle = fill;
  round(pen, x, y, width, height).fill();
  pen.stroke();
}

function round(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  pen.beginPath();
  pen.roundRect(x, y, width, height, 28);
  return pen;
}

/** In one line: what is too long is shortened, not squeezed. */
function write(
  pen: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  size: number,
  align: CanvasTextAlign,
): void {
  pen.font = `600 ${size}px Fredoka, sans-serif`;
  pen.fillStyle = INK;
  pen.textAlign = align;
  const letters = [...text];
  while (letters.length > 1 && pen.measureText(letters.join("")).width > INNER) letters.splice(-2, 2, "…");
  pen.fillText(letters.join(""), x, y);
}

/** Hand it to the phone's own sheet where there is one, else put it into the downloads. */
export async function share(card: Blob, name: string): Promise<void> {
  const files = [new File([card], name, { type: card.type })];
  if (navigator.canShare?.({ files })) {
    await navigator.share({ files }).catch((error: Error) => {
      if (error.name !== "AbortError") save(card, name);
    });
  } else {
    save(card, name);
  }
}
