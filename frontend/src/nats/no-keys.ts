/** Stands in for `@nats-io/nkeys`, see `vite.config.ts`: this page never signs anything. */
export {};
