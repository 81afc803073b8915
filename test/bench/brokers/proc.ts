/** What the system says of a process. Linux. */
import { readdirSync, readFileSync } from "node:fs";

/** @returns µs of CPU that a process's threads have used, user and system together; threads that have ended don't
 *  count */
export function cpuOf(pid: number): number {
	let ns = 0;
	for (const thread of readdirSync(`/proc/${pid}/task`))
		ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
	return ns / 1_000;
}

/** @returns bytes of memory that are a process's own, with its share of what it has together with others (PSS) */
export function memoryOf(pid: number): number {
	const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
	return 1_024 * Number(/^Pss: +(\d+)/m.exec(text)?.[1]);
}
