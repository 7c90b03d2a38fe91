/**
 * The pictures of finished memes, kept on this device: servers forget them after a day, and a reload has them at
 * once, without a network. What a browser cannot keep (private mode, full disk) is loaded from the server.
 */
const DATABASE = "memebattle";
const PICTURES = "pictures";

export const keep = (id: string, picture: Blob): Promise<unknown> =>
  inAlbum("readwrite", (pictures) => pictures.put(picture, id));

export const find = (id: string): Promise<Blob | undefined> =>
  inAlbum<Blob | undefined>("readonly", (pictures) => pictures.get(id));

export const forget = (id: string): Promise<unknown> => inAlbum("readwrite", (pictures) => pictures.delete(id));

/** What the album says; nothing when there is no album. */
async function inAlbum<T>(
  mode: IDBTransactionMode,
  ask: (pictures: IDBObjectStore) => IDBRequest<T>,
): Promise<T | undefined> {
  try {
    const transaction = (await opened()).transaction(PICTURES, mode);
    return await answer(ask(transaction.objectStore(PICTURES)));
  } catch {
    return undefined;
  }
}

let database: Promise<IDBDatabase> | undefined;

function opened(): Promise<IDBDatabase> {
  database ??= open();
  return database;
}

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(PICTURES);
  return answer(request);
}

const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser keeps nothing"));
  });
