/**
 * Tasks out of a file: a JSON list, `{"tasks": [...]}`, JSON lines, or CSV whose header names the fields.
 *
 * The same files as `memebattle prioritize` reads. What a field may hold is the server's business: a cell goes
 * out as it stands. An empty cell is a field that is not given; tags in one cell are separated by semicolons.
 */

export type Fields = Record<string, unknown>;

/** A task and where it stands in the file. */
export interface Row {
  place: string;
  task: unknown;
}

/** What is wrong with the file as a whole. */
export class Unreadable extends Error {}

const NEEDED = ["title", "category"];

/** Throws `Unreadable`. */
export function tasksIn(text: string): Row[] {
  const content = text.replace(/^\uFEFF/, "");
  const start = content.trimStart();
  if (start === "") throw new Unreadable("There is nothing in this file.");
  if (start.startsWith("[") || (start.startsWith("{") && isOneDocument(content))) return documentRows(content);
  return start.startsWith("{") ? lineRows(content) : csvRows(content);
}

function isOneDocument(text: string): boolean {
  const [first = "", ...more] = text.trim().split("\n");
  return more.length === 0 || parsed(first) === undefined;
}

function documentRows(text: string): Row[] {
  const data = parsed(text);
  if (data === undefined) throw new Unreadable("This looks like JSON, but it is none.");
  const tasks = isFields(data) && "tasks" in data ? data["tasks"] : data;
  if (!Array.isArray(tasks)) return [{ place: "task 1", task: tasks }];
  return tasks.map((task: unknown, at) => ({ place: `task ${at + 1}`, task }));
}

function lineRows(text: string): Row[] {
  return text.split("\n").flatMap((line, at) => {
    if (line.trim() === "") return [];
    const task = parsed(line);
    if (task === undefined) throw new Unreadable(`Line ${at + 1} is no JSON.`);
    return [{ place: `line ${at + 1}`, task }];
  });
}

function csvRows(text: string): Row[] {
  const [head, ...rows] = cellsIn(text, delimiterOf(text)).filter(({ cells }) => cells.some((cell) => cell.trim()));
  const names = (head?.cells ?? []).map((cell) => cell.trim().toLowerCase().replace(/[ -]/g, "_"));
  const lacking = NEEDED.find((name) => !names.includes(name));
  if (lacking) throw new Unreadable(`The first line has to name the columns, and it names no ${lacking}.`);
  return rows.map(({ line, cells }) => {
    if (cells.length > names.length) {
      throw new Unreadable(`Line ${line} has ${cells.length} cells under ${names.length} columns.`);
    }
    return { place: `line ${line}`, task: taskOf(names, cells) };
  });
}

function taskOf(names: readonly string[], cells: readonly string[]): Fields {
  const task: Fields = {};
  names.forEach((name, at) => {
    const cell = cells[at]?.trim();
    if (name && cell) task[name] = name === "tags" ? cell.split(";").map((tag) => tag.trim()).filter(Boolean) : cell;
  });
  return task;
}

/** Spreadsheets of some countries write semicolons. */
function delimiterOf(text: string): string {
  const header = text.trimStart().split("\n", 1)[0] ?? "";
  const counts = [",", ";", "\t"].map((each) => [header.split(each).length, each] as const);
  return counts.reduce((best, each) => (each[0] > best[0] ? each : best))[1];
}

interface Cells {
  /** The line of the file it begins on. */
  line: number;
  cells: string[];
}

/** CSV as RFC 4180 has it: a quoted cell may hold delimiters, line breaks and doubled quotation marks. */
function cellsIn(text: string, delimiter: string): Cells[] {
  const rows: Cells[] = [];
  const pattern = new RegExp(`"([^"]*(?:""[^"]*)*)"|([^"\\n\\r${delimiter}][^\\n\\r${delimiter}]*)|(\\r\\n|\\n|\\r)|(${delimiter})`, "y");
  let row: Cells = { line: 1, cells: [""] };
  let line = 1;
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (!found) throw new Unreadable(`Line ${line} has a quotation mark that is never closed.`);
    const [whole, quoted, plain, end] = found;
    if (end !== undefined) {
      rows.push(row);
      row = { line: ++line, cells: [""] };
    } else if (quoted === undefined && plain === undefined) {
      row.cells.push("");
    } else {
      row.cells[row.cells.length - 1] += quoted?.replaceAll('""', '"') ?? plain ?? "";
      line += whole.split("\n").length - 1;
    }
  }
  return [...rows, row];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
