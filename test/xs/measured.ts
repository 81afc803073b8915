/** On XS: what is known to cost so much, measured. */
import { costOf, keptBy, report } from "./measure.js";

report(
	"nothing",
	costOf(() => {}),
);
report(
	"{}",
	costOf(() => ({})),
);
report(
	"new Uint8Array(64)",
	costOf(() => new Uint8Array(64)),
);
const { slots, chunkBytes, bytes } = keptBy(() => {
	const list = new Array(10);
	for (let i = 0; i < 10; i++) list[i] = {};
	return list;
});
report("keeps 10 objects", { slots, chunkBytes, bytes });
