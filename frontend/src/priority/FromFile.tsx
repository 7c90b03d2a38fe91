import { useRef, useState, type DragEvent } from "react";
import { announce } from "../ui/announcer";
import { inWords } from "../ui/problem";
import { EXAMPLES } from "./examples";
import { tasksIn, Unreadable, type Row } from "./file";
import * as http from "./http";
import type { Item } from "./types";

interface Loaded {
  name: string;
  rows: readonly Row[];
}

interface Props {
  most: number;
  onTaken: () => void;
}

/** Many tasks at once, out of a file. One that is wrong stops no other. */
export function FromFile({ most, onTaken }: Props) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [items, setItems] = useState<readonly Item[]>();
  const [trouble, setTrouble] = useState("");
  const [isSending, setSending] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  async function load(file: File | undefined) {
    if (!file) return;
    show(undefined, "");
    try {
      const rows = tasksIn(await file.text());
      if (rows.length > most) throw new Unreadable(`${rows.length} tasks, and one batch may have ${most}.`);
      show({ name: file.name, rows }, "");
    } catch (error) {
      show(undefined, error instanceof Unreadable ? `${file.name}: ${error.message}` : "This file cannot be read.");
    }
    if (input.current) input.current.value = ""; // the same file may be chosen again, mended
  }

  function show(next: Loaded | undefined, words: string) {
    setLoaded(next);
    setItems(undefined);
    setTrouble(words);
  }

  async function send({ rows }: Loaded) {
    setSending(true);
    setTrouble("");
    try {
      const found = await http.askAll(rows.map((row) => row.task));
      setItems(found);
      announce(summary(found));
      onTaken();
    } catch (error) {
      setTrouble(inWords(error));
    }
    setSending(false);
  }

  const drop = (event: DragEvent) => {
    event.preventDefault();
    void load(event.dataTransfer.files[0]);
  };

  return (
    <section className="from-file" aria-labelledby="from-file" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <h2 id="from-file">From a file</h2>
      <p className="soft">
        CSV whose first line names the columns, or JSON; up to {most} tasks. Only <code>title</code> and{" "}
        <code>category</code> are needed.
      </p>
      <div className="buttons">
        <label className="button file">
          Choose a file
          <input
            ref={input}
            type="file"
            accept=".csv,.tsv,.json,.jsonl,.ndjson,text/csv,application/json"
            onChange={(event) => void load(event.target.files?.[0])}
          />
        </label>
        <button onClick={() => show({ name: "an example morning", rows: exampleRows() }, "")}>Take examples</button>
      </div>
      {loaded && !items && (
        <div className="loaded">
          <p>
            <strong>{loaded.rows.length} tasks</strong> in {loaded.name}
          </p>
          <button className="primary" aria-disabled={isSending} onClick={() => !isSending && void send(loaded)}>
            {isSending ? "Sending …" : `Score ${loaded.rows.length === 1 ? "it" : `all ${loaded.rows.length}`}`}
          </button>
        </div>
      )}
      <p className="complaint" role="alert">
        {trouble}
      </p>
      {loaded && items && <Outcome rows={loaded.rows} items={items} />}
    </section>
  );
}

function Outcome({ rows, items }: { rows: readonly Row[]; items: readonly Item[] }) {
  const refused = items.flatMap((item, at) => (item.error ? [{ row: rows[at]!, detail: item.error.detail }] : []));
  return (
    <div className="outcome">
      <p>
        <strong>{summary(items)}</strong>
      </p>
      <ul>
        {refused.map(({ row, detail }) => (
          <li key={row.place}>
            <strong>
              {row.place}
              {titleOf(row)}
            </strong>{" "}
            {detail}
          </li>
        ))}
      </ul>
    </div>
  );
}

const exampleRows = (): Row[] => EXAMPLES.map((task, at) => ({ place: `task ${at + 1}`, task }));

function titleOf({ task }: Row): string {
  const title = typeof task === "object" && task !== null && "title" in task ? task.title : undefined;
  return typeof title === "string" && title ? `, ${title}:` : ":";
}

function summary(items: readonly Item[]): string {
  const refused = items.filter((item) => item.status === "refused").length;
  const taken = `${items.length - refused} of ${items.length} taken`;
  return refused === 0 ? `All ${items.length} taken.` : `${taken}, ${refused} refused:`;
}
