/** A hub that is killed a hundred times under load: what was acknowledged must be there. `--kills=N`: another
 *  number. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crash } from "../persist/crashes.js";

const asked = process.argv.find((word) => word.startsWith("--kills="));
const kills = asked === undefined ? 100 : Number(asked.slice(8));
const data = mkdtempSync(join(tmpdir(), "hearth-crashes-"));
const tell = (line: string): void => {
	if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K`);
};
try {
	const result = await crash({ data, kills, publishers: 20, subscribers: 5, seed: 1, tell });
	if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
	console.log(
		`${result.kills} × SIGKILL, 20 publishers (10 at QoS 1, 10 at QoS 2), 5 persistent subscribers at QoS 2:`,
	);
	console.log(`  acknowledged          ${result.acknowledged}`);
	console.log(`  of these lost         ${result.lost.length}`);
	console.log(`  QoS 2, came twice     ${result.twice.length}`);
	console.log(`  QoS 1, came again     ${result.repeated}`);
	console.log(`  retained, too old     ${result.old.length}`);
	for (const line of [...result.lost, ...result.twice, ...result.old].slice(0, 20)) console.log(`    ${line}`);
} finally {
	rmSync(data, { recursive: true });
}
