import type { ReactNode } from "react";

/** What every input of a form has. */
export interface Common {
  id: string;
  name: string;
  value: string;
  "aria-invalid": boolean;
  "aria-describedby": string;
  onChange: (event: { target: { value: string } }) => void;
}

interface FieldProps {
  name: string;
  label: string;
  complaint: string | undefined;
  children: (common: Omit<Common, "value" | "onChange">) => ReactNode;
}

/** An input with its label, and with what is wrong about it. */
export function Field({ name, label, complaint, children }: FieldProps) {
  const id = `task-${name}`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, name, "aria-invalid": complaint !== undefined, "aria-describedby": `${id}-complaint` })}
      <span id={`${id}-complaint`} className="complaint">
        {complaint}
      </span>
    </div>
  );
}
