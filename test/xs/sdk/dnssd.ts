/** Stands for the SDK's module "embedded:network/dnssd": tells the console what it would tell the network. */
export default class DNSSD {
	claim(options: { host: string }): void {
		host.print(`mDNS claim ${options.host}`);
	}

	advertise(options: { serviceType: string; host: string; port: number }): void {
		host.print(`mDNS ${options.serviceType} ${options.host}.local ${options.port}`);
	}

	close(): void {
		host.print("mDNS close");
	}
}
