import { useEffect, useState } from "react";
import { inWords } from "../ui/problem";
import * as http from "./http";
import type { Simulated } from "./types";
import { weightsOf } from "./weights";
import type { Trial } from "./WhatIf";

/** Who drags a slider asks once it rests this long. */
const REST_MS = 120;

interface Outcome {
  items?: readonly Simulated[];
  trouble?: string;
}

/** What the trial makes of these tasks; the last outcome stays until there is a newer one. */
export function useSimulation(ids: readonly string[], trial: Trial | undefined): Outcome {
  const [outcome, setOutcome] = useState<Outcome>({});
  const asked = ids.join();
  useEffect(() => {
    if (!trial || asked === "") return setOutcome({});
    let isNewest = true;
    const timer = setTimeout(async () => {
      const weights = trial.model === "weighted" ? { weights: weightsOf(trial.percents) } : {};
      const next = await http.simulate(asked.split(","), { model: trial.model, ...weights }).then(
        (items) => ({ items }),
        (error: unknown) => ({ trouble: inWords(error) }),
      );
      if (isNewest) setOutcome((last) => ({ ...("trouble" in next && last.items && { items: last.items }), ...next }));
    }, REST_MS);
    return () => {
      isNewest = false;
      clearTimeout(timer);
    };
  }, [asked, trial]);
  return outcome;
}
