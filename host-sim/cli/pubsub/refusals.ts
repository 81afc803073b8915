/** Why a broker refuses a connection, for people and for scripts. */
import { reasonName } from "../../../src/promises/client-error.js";

/** CONNACK's return codes of 3.1 and 3.1.1, and what to do. Spec: 3.1.1, table 3.1 */
const RETURN_CODES: Readonly<Record<number, string>> = {
	1: "it does not speak this version of MQTT; give another -V",
	2: "it does not take this Client Identifier; give another -i",
	3: "it is not available now; try again later",
	4: "User Name or Password is wrong; give others with -u and -P",
	5: "not authorized; give -u and -P of somebody who may connect",
};

/** What to do about some Reason Codes of 5.0. */
const REMEDIES: Readonly<Record<number, string>> = {
	132: "give -V 311",
	133: "give another -i",
	134: "give others with -u and -P",
	135: "give -u and -P of somebody who may connect",
	136: "try again later",
	137: "try again later",
	140: "leave the authentication-method out, or give another",
	151: "it has as many clients as it takes; try again later",
	154: "leave --will-retain out",
	155: "give a smaller --will-qos",
};

/** @param received CONNACK's code @param version the Protocol Version that was asked for
 *  @returns the exit code, which is the broker's own, and a text with its remedy */
export function refusalOf(received: number, version: number): { text: string; code: number } {
	if (version < 5) return { text: RETURN_CODES[received] ?? `return code ${received}`, code: received };
	// who does not speak 5.0 answers as 3.1.1 does
	if (received === 1) return { text: "it does not speak MQTT 5.0; give -V 311", code: received };
	const remedy = REMEDIES[received];
	return { text: `${reasonName(received)}${remedy === undefined ? "" : `; ${remedy}`}`, code: received };
}
