/** The hub itself: how full it is, what it does, how sure its storage is, who is connected, and what it logs. */
import { command, complain } from "./hub-link.js";
import { useStore } from "./store.js";

/** Gauges: title, what is used, of how much. Names below $SYS/broker/. */
const GAUGES = [
	["Clients", "clients/connected", "hearth/limits/connections"],
	["Sessions", "clients/total", "hearth/limits/sessions"],
	["Subscriptions", "subscriptions/count", "hearth/limits/subscriptions"],
	["Queued, at most", "hearth/high-water/deliveries", "hearth/limits/deliveries"],
	["Store, at most", "hearth/high-water/blocks", "hearth/limits/blocks"],
] as const;

/** What the storage says of itself, below $SYS/broker/hearth/storage/: name, title, how its value is shown. */
const STORAGE = [
	["alarm", "Alarm", (text: string) => text],
	["durability", "What outlives a power cut", (text: string) => text],
	["loss", "Lost by a power cut, at most", (text: string) => text],
	["bytes", "Used", bytes],
	["maximum", "Room", bytes],
	["failures", "Writes that failed", count],
	["flash/written", "Written to the flash", bytes],
	["flash/written/day", "Written to the flash a day", bytes],
	["flash/erases/maximum", "Erases of one sector, most", count],
	["flash/erases/mean", "Erases of a sector, mean", count],
	["flash/life", "The flash will last", (text: string) => text],
	["flash/damaged", "Damaged records", count],
] as const;

const RATES = [
	["received a minute", "load/publish/received/1min"],
	["sent a minute", "load/publish/sent/1min"],
	["bytes received a minute", "load/bytes/received/1min"],
	["bytes sent a minute", "load/bytes/sent/1min"],
] as const;

export function HubView() {
	const { sys, session } = useStore();
	if (session?.admin !== true && session?.devices !== false)
		return <p class="empty">Only an admin sees the hub's state.</p>;
	return (
		<>
			<div class="bar">
				<h2>
					Hub <small>{sys.get("version")}</small>
				</h2>
				<span class="muted">up {sys.get("uptime") ?? "…"}</span>
			</div>
			<ul class="gauges">
				{GAUGES.map(([title, used, most]) => (
					<Gauge key={title} title={title} used={numberAt(sys, used)} most={numberAt(sys, most)} />
				))}
			</ul>
			<dl class="rates">
				{RATES.map(([title, name]) => (
					<div key={title}>
						<dt>{title}</dt>
						<dd>{Math.round(numberAt(sys, name) ?? 0).toLocaleString()}</dd>
					</div>
				))}
			</dl>
			<Drops />
			<Storage />
			{session.admin && <Clients />}
			{session.admin && <Log />}
		</>
	);
}

function numberAt(sys: Map<string, string>, name: string): number | undefined {
	const value = sys.get(name);
	return value === undefined ? undefined : Number(value);
}

function Gauge({ title, used, most }: { title: string; used: number | undefined; most: number | undefined }) {
	return (
		<li>
			<span>{title}</span>
			<meter min={0} max={most ?? 1} high={(most ?? 1) * 0.8} value={used ?? 0} aria-label={title} />
			<span class="muted">
				{used?.toLocaleString() ?? "…"} of {most?.toLocaleString() ?? "…"}
			</span>
		</li>
	);
}

/** Messages that were not delivered, and connections that were ended, by cause. */
function Drops() {
	const { sys } = useStore();
	const rows = [...sys]
		.filter(([name, value]) => /^hearth\/(drops|closed|refused)\//.test(name) && value !== "0")
		.map(([name, value]) => [name.slice(7).replaceAll("/", ": "), count(value)] as const);
	return <Facts title="Dropped, closed and refused, by cause" rows={rows} />;
}

/** How sure and how full the storage is, and how it wears. */
function Storage() {
	const { sys } = useStore();
	const rows = STORAGE.flatMap(([name, title, shown]) => {
		const value = sys.get(`hearth/storage/${name}`) ?? "";
		return value === "" || value === "0" ? [] : [[title, shown(value)] as const];
	});
	return <Facts title="Storage" rows={rows} />;
}

function Facts({ title, rows }: { title: string; rows: (readonly [name: string, value: string])[] }) {
	if (rows.length === 0) return null;
	return (
		<section>
			<h3>{title}</h3>
			<table>
				<tbody>
					{rows.map(([name, value]) => (
						<tr key={name}>
							<td>{name}</td>
							<td class="number">{value}</td>
						</tr>
					))}
				</tbody>
			</table>
		</section>
	);
}

function count(text: string): string {
	return Number(text).toLocaleString();
}

/** 8589934592: 8 GB */
function bytes(text: string): string {
	const units = ["bytes", "KB", "MB", "GB", "TB"];
	const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, Number(text))) / 10));
	return `${Number((Number(text) / 1024 ** power).toPrecision(3))} ${units[power]}`;
}

function Clients() {
	const { clients } = useStore();
	const end = (clientId: string) => command("disconnect", { clientId }).catch(complain);
	const version = { 3: "3.1", 4: "3.1.1", 5: "5.0" } as Record<number, string>;
	return (
		<section>
			<h3>Connected clients</h3>
			<div class="scroll">
				<table>
					<thead>
						<tr>
							<th>Client</th>
							<th>User</th>
							<th>Address</th>
							<th>MQTT</th>
							<th />
						</tr>
					</thead>
					<tbody>
						{[...clients.values()].slice(0, 500).map((client) => (
							<tr key={client.clientId}>
								<td>{client.clientId}</td>
								<td>{client.userName || "–"}</td>
								<td>{client.address}</td>
								<td>{version[client.version]}</td>
								<td>
									<button type="button" class="quiet" onClick={() => end(client.clientId)}>
										Disconnect
									</button>
								</td>
							</tr>
						))}
					</tbody>
				</table>
			</div>
		</section>
	);
}

function Log() {
	const { log } = useStore();
	return (
		<section>
			<h3>Log</h3>
			<pre class="log">{log.length === 0 ? "nothing yet" : [...log].reverse().join("\n")}</pre>
		</section>
	);
}
