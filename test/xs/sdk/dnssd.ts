/** Stands for the SDK's module "embedded:network/dnssd": tells the console what it would tell the network. */
export default class DNSSD {
	claim(options: { host: string }): void {
		host.print(`mDNS claim ${options.host}`);
	}

	advertise(options: { serviceType: string; host: string; port: number; txt?: Map<string, string> }) {
		host.print(`mDNS ${options.serviceType} ${options.host}.local ${options.port}${textOf(options.txt)}`);
		return {
			updateTXT: (txt: Map<string, string>) => host.print(`mDNS changed${textOf(txt)}`),
			close: () => {},
		};
	}

	close(): void {
		host.print("mDNS close");
	}
}

function textOf(txt: Map<string, string> | undefined): string {
	return txt === undefined ? "" : ` ${[...txt].map(([name, value]) => `${name}=${value}`).join(" ")}`;
}
