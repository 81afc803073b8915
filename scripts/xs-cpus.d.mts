/** Types of xs-cpus.mjs for the benches. */

/** @returns how programs are run on a processor: the command and its first arguments; empty: directly */
export function cpuNamed(name: string): { run: readonly string[] };
