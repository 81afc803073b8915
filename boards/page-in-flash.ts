/** The page of a board that has it in its flash. */
import { entropy } from "./entropy.js";
import type { PagePart } from "./hub.js";
import type { PagePlan } from "./page.js";
import { PageServer } from "./page-server.js";

/** Where browsers look without being told. */
const PORT = 80;

/** @returns what begins with the hub */
export function makePage({ asked, host }: PagePlan): PagePart {
	const port = asked === "1" ? PORT : Number(asked);
	return { begin: (hub) => new PageServer({ port, host, entropy }, hub) };
}
