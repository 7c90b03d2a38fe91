/** A few notes, made on the spot: nothing to load, and silent until somebody asks for it. */
import type { Cue } from "./cues";

/** Notes as [frequency in Hz, start in seconds, length in seconds]. */
const TUNES: Record<Cue, readonly (readonly [number, number, number])[]> = {
  arrival: [[660, 0, 0.09]],
  handIn: [
    [880, 0, 0.06],
    [1175, 0.06, 0.08],
  ],
  gong: [
    [392, 0, 0.3],
    [587, 0.05, 0.4],
  ],
  fanfare: [
    [523, 0, 0.18],
    [659, 0.16, 0.18],
    [784, 0.32, 0.18],
    [1047, 0.48, 0.7],
  ],
};
const LOUDNESS = 0.12;

export class Speaker {
  private context: AudioContext | undefined;

  /** Browsers allow sound only after somebody pressed something: call this from there. */
  turn(on: boolean): void {
    if (on) this.context ??= new AudioContext();
    else {
      void this.context?.close();
      this.context = undefined;
    }
  }

  play(cue: Cue): void {
    for (const [frequency, start, length] of TUNES[cue]) this.note(frequency, start, length);
  }

  private note(frequency: number, start: number, length: number): void {
    if (!this.context) return;
    const { context } = this;
    const at = context.currentTime + start;
    const [tone, volume] = [new OscillatorNode(context, { type: "triangle", frequency }), new GainNode(context)];
    volume.gain.setValueAtTime(LOUDNESS, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + length);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}
