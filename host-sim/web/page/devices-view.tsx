/** Devices by room: who is there, what they are called, and who wants to come in. */
import { useEffect, useState } from "preact/hooks";
import { AddDialog, DeviceDialog } from "./device-dialogs.js";
import { command, complain } from "./hub-link.js";
import { PairingDialog } from "./pairing-dialog.js";
import { type Device, type Knock, useStore } from "./store.js";

/** @returns such as "3 min ago" */
export function ago(seconds: number): string {
	if (seconds < 5) return "just now";
	if (seconds < 120) return `${Math.round(seconds)} s ago`;
	if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
	return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}

export function DevicesView() {
	const { devices, knocks, session } = useStore();
	const [open, setOpen] = useState<"pair" | "add" | undefined>();
	const [chosen, setChosen] = useState("");
	const [, tick] = useState(0);
	useEffect(() => {
		const timer = setInterval(() => tick((n) => n + 1), 5_000);
		return () => clearInterval(timer);
	}, []);
	if (session?.admin !== true) return <p class="empty">Only an admin sees the devices. Topics are open to you.</p>;
	const rooms = new Map<string, Device[]>();
	for (const device of [...devices.values()].sort((a, b) => (a.name || a.id).localeCompare(b.name || b.id)))
		rooms.set(device.room, [...(rooms.get(device.room) ?? []), device]);
	const here = [...devices.values()].filter((device) => device.online).length;
	const device = devices.get(chosen);
	return (
		<>
			<div class="bar">
				<h2>
					Devices <small>{devices.size === 0 ? "" : `${here} of ${devices.size} here`}</small>
				</h2>
				<button type="button" onClick={() => setOpen("add")}>
					Add by password
				</button>
				<button type="button" class="main" onClick={() => setOpen("pair")}>
					Pair a device
				</button>
			</div>
			{knocks.length > 0 && <Knocks knocks={knocks} />}
			{devices.size === 0 && (
				<p class="empty">
					No devices yet. <em>Pair</em> what speaks Hearth; <em>add by password</em> what only knows MQTT.
				</p>
			)}
			{[...rooms.keys()].sort(lastWithoutName).map((room) => (
				<section key={room}>
					<h3>{room || "Elsewhere"}</h3>
					<ul class="cards">
						{rooms.get(room)!.map((found) => (
							<Card key={found.id} device={found} onOpen={() => setChosen(found.id)} />
						))}
					</ul>
				</section>
			))}
			{open === "pair" && <PairingDialog onClose={() => setOpen(undefined)} />}
			{open === "add" && <AddDialog onClose={() => setOpen(undefined)} />}
			{device !== undefined && <DeviceDialog device={device} onClose={() => setChosen("")} />}
		</>
	);
}

function lastWithoutName(a: string, b: string): number {
	return a === "" || b === "" ? b.length - a.length : a.localeCompare(b);
}

function Card({ device, onOpen }: { device: Device; onOpen: () => void }) {
	const since =
		device.secondsAgo === undefined ? undefined : device.secondsAgo + (performance.now() - device.toldAt) / 1_000;
	const presence = device.online ? "here" : since === undefined ? "not seen yet" : `seen ${ago(since)}`;
	return (
		<li>
			<button type="button" class={`card ${device.online ? "here" : ""}`} onClick={onOpen}>
				<span class="dot" aria-hidden />
				<strong>{device.name || device.id}</strong>
				<span class="muted">{device.name === "" ? device.model : device.id}</span>
				<span class="muted">{presence}</span>
			</button>
		</li>
	);
}

function Knocks({ knocks }: { knocks: Knock[] }) {
	const adopt = (userName: string) => command("adopt", { userName, name: userName }).catch(complain);
	return (
		<section class="knocks">
			<h3>Wants to come in</h3>
			<ul>
				{knocks.map((knock) => (
					<li key={knock.userName + knock.clientId}>
						<span>
							<strong>{knock.userName}</strong>{" "}
							<span class="muted">
								{knock.clientId}, {knock.address}, {knock.count}×
							</span>
						</span>
						<button type="button" onClick={() => adopt(knock.userName)}>
							Let it in
						</button>
					</li>
				))}
			</ul>
		</section>
	);
}
