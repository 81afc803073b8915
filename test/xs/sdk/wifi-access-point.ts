/** Stands for the SDK's module "wifi", and for its global System, by which a program that was set up starts anew: what
 *  the board then keeps is printed, and the process ends. */
import Preference from "./preference.js";

export default {
	accessPoint({ ssid, password }: { ssid: string; password?: string }): void {
		host.print(`access point ${ssid}${password === undefined ? "" : `, ${password}`}`);
		(globalThis as { System?: { restart(): void } }).System = {
			restart(): void {
				const kept = ["ssid", "password", "host"].map((key) => Preference.get("hearth", key));
				host.print(JSON.stringify({ name: "restart", kept }));
				host.exit(0);
			},
		};
	},
};
