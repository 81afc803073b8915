/** Stands for the SDK's module "wifi", and for its global System, by which a program that was set up starts anew: what
 *  the board then keeps is printed, and the process ends. */
interface Holder {
	System?: { restart(): void };
	preferences?: Map<string, string | number | boolean>;
}

export default {
	accessPoint({ ssid, password }: { ssid: string; password?: string }): void {
		const holder = globalThis as Holder;
		host.print(`access point ${ssid}${password === undefined ? "" : `, ${password}`}`);
		holder.System = {
			restart(): void {
				const kept = [...(holder.preferences ?? [])].filter(([name]) => /ssid|password|host/.test(name));
				host.print(JSON.stringify({ name: "restart", kept }));
				host.exit(0);
			},
		};
	},
};
