/** One device: what people may change of it; and adding one that has only a password. */
import { useState } from "preact/hooks";
import { Dialog } from "./dialog.js";
import { addWithPassword, command } from "./hub-link.js";
import { DeviceFields, KIND_TEXTS } from "./pairing-dialog.js";
import { type Device, store } from "./store.js";

export function DeviceDialog({ device, onClose }: { device: Device; onClose: () => void }) {
	const [why, setWhy] = useState("");
	const [sure, setSure] = useState(false);
	const fail = (error: Error) => setWhy(error.message);
	const save = (event: SubmitEvent) => {
		event.preventDefault();
		const form = new FormData(event.target as HTMLFormElement);
		const change = Object.fromEntries(["name", "room", "kind", "rights"].map((name) => [name, String(form.get(name))]));
		command("change", { id: device.id, ...change })
			.then(onClose)
			.catch(fail);
	};
	const revoke = (clearRetained: boolean) =>
		command("revoke", { id: device.id, clearRetained }).then(onClose).catch(fail);
	return (
		<Dialog title={device.name || device.id} onClose={onClose}>
			<p class="facts">
				{device.id}
				{device.model && `, ${device.model}`}
				<br />
				{device.login === "scram" ? `paired ${device.pairings}×` : "logs in by password"}
				{device.address && `, ${device.address}`}
			</p>
			<form onSubmit={save}>
				<label>
					Name
					<input name="name" defaultValue={device.name} maxLength={32} />
				</label>
				<label>
					Room
					<input name="room" defaultValue={device.room} maxLength={32} />
				</label>
				<label>
					May
					<select name="kind" defaultValue={device.kind}>
						{(store.session?.kinds ?? []).map((kind) => (
							<option key={kind} value={kind} selected={kind === device.kind}>
								{KIND_TEXTS[kind] ?? kind}
							</option>
						))}
					</select>
				</label>
				<label>
					Also (a line each)
					<textarea name="rights" rows={2} placeholder="publish garden/#" defaultValue={device.rights} />
				</label>
				<p class="why" role="alert">
					{why}
				</p>
				<div class="buttons">
					<button type="button" onClick={onClose}>
						Cancel
					</button>
					<button type="submit" class="main">
						Save
					</button>
				</div>
			</form>
			<hr />
			{sure ? (
				<div class="buttons">
					<button type="button" onClick={() => setSure(false)}>
						Keep it
					</button>
					<button type="button" class="danger" onClick={() => revoke(false)}>
						Revoke
					</button>
					<button type="button" class="danger" onClick={() => revoke(true)}>
						Revoke, and clear what it retained
					</button>
				</div>
			) : (
				<button type="button" class="danger quiet" onClick={() => setSure(true)}>
					Revoke this device …
				</button>
			)}
		</Dialog>
	);
}

export function AddDialog({ onClose }: { onClose: () => void }) {
	const [why, setWhy] = useState("");
	const [made, setMade] = useState<{ id: string; password: string } | undefined>();
	const add = (event: SubmitEvent) => {
		event.preventDefault();
		const form = new FormData(event.target as HTMLFormElement);
		const id = String(form.get("id"));
		const given = { name: String(form.get("name")), room: String(form.get("room")), kind: String(form.get("kind")) };
		addWithPassword(id, given)
			.then((password) => setMade({ id, password }))
			.catch((error: Error) => setWhy(error.message));
	};
	if (made !== undefined) return <MadeDialog id={made.id} password={made.password} onClose={onClose} />;
	return (
		<Dialog title="Add a device by password" onClose={onClose}>
			<p class="facts">
				For devices that only know MQTT: Tasmota, Shelly, ESPHome. They are readable on the network without TLS.
			</p>
			<form onSubmit={add}>
				<label>
					Identifier, which is its user name
					<input name="id" required pattern="[A-Za-z0-9_\-]{1,32}" title="1 to 32 of A-Z a-z 0-9 - _" />
				</label>
				<DeviceFields />
				<p class="why" role="alert">
					{why}
				</p>
				<div class="buttons">
					<button type="button" onClick={onClose}>
						Cancel
					</button>
					<button type="submit" class="main">
						Make a password
					</button>
				</div>
			</form>
		</Dialog>
	);
}

function MadeDialog({ id, password, onClose }: { id: string; password: string; onClose: () => void }) {
	const texts: [string, string][] = [
		["User name", id],
		["Password", password],
		["Tasmota's console", `Backlog MqttUser ${id}; MqttPassword ${password}; FullTopic devices/${id}/%prefix%/`],
		["ESPHome", `mqtt: {username: ${id}, password: ${password}, topic_prefix: devices/${id}}`],
		["Shelly's prefix", `devices/${id}`],
	];
	return (
		<Dialog title={`${id} is added`} onClose={onClose}>
			<p>This is shown once.</p>
			{texts.map(([what, text]) => (
				<label key={what}>
					{what}
					<input readOnly value={text} onFocus={(event) => (event.target as HTMLInputElement).select()} />
				</label>
			))}
			<div class="buttons">
				<button type="button" class="main" onClick={onClose}>
					Done
				</button>
			</div>
		</Dialog>
	);
}
