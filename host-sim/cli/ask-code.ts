/** Asks at the terminal for the code that a hub shows. */
import { createInterface } from "node:readline/promises";

/** @param where whose code it is, such as "The hub's code: " */
export async function askCode(where: string): Promise<string> {
	const terminal = createInterface({ input: process.stdin, output: process.stderr });
	try {
		return await terminal.question(where);
	} finally {
		terminal.close();
	}
}
