/** The page of a board that has no room for it: none. The manifests of the others name another file in place. */
import type { PagePart } from "./hub.js";

/** What main says of the page. */
export interface PagePlan {
	/** "1": port 80; or another port */
	asked: string;
	/** see PageOptions */
	host: string;
	log: (line: string) => void;
}

/** @returns undefined: there is none, and the console says why */
export function makePage({ log }: PagePlan): PagePart | undefined {
	log("page: this board has no room for it");
	return undefined;
}
