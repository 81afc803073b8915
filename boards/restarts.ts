/** How often the device has started, and why it did the last time: the engine's abort hook keeps the reason in the
 *  board's preferences until the next start. */
import Preference from "preference";

const DOMAIN = "hearth";
const COUNT = "restarts";
const REASON = "reason";

/** What the engine calls before it ends the program, with the manifest's define xs.abortHook; not where the stack is
 *  full. */
interface AbortHook {
	abort?: (reason: string, exception?: unknown) => boolean | undefined;
}

/** Counts this start. To be called once, first of all: what goes wrong from then on is the next start's reason.
 *  @returns such as "3 (memory full)"; without a reason it was the power, a reset, a watchdog or a full stack */
export function countStart(): string {
	const count = Number(Preference.get(DOMAIN, COUNT) ?? 0) + 1;
	const reason = Preference.get(DOMAIN, REASON);
	Preference.set(DOMAIN, COUNT, count);
	if (reason !== undefined && reason !== "") Preference.set(DOMAIN, REASON, "");
	let aborting = false;
	(globalThis as AbortHook).abort = (why, exception) => {
		if (aborting) return undefined; // there was no memory for what follows
		aborting = true;
		Preference.set(DOMAIN, REASON, why);
		trace("restart: ");
		trace(why);
		trace(` ${(exception as Error | undefined)?.stack ?? ""}\n`);
		return undefined; // the engine goes on to end the program: what it was doing is half done
	};
	return reason === undefined || reason === "" ? `${count}` : `${count} (${reason})`;
}
