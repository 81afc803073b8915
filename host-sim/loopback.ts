/** Which addresses are this machine's own. */
import { isIP } from "node:net";

/** @returns whether the address is this machine's own alone */
export function isLoopback(host: string): boolean {
	if (host === "localhost" || host === "::1") return true;
	return isIP(host) === 4 && host.startsWith("127.");
}
