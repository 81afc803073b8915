/** Topics as they come: a tree that opens where one looks, a search, the value with its history, and publishing. */
import { useState } from "preact/hooks";
import { complain, publish } from "./hub-link.js";
import { Plot } from "./plot.js";
import { useStore } from "./store.js";
import type { TopicNode } from "./topic-tree.js";

/** Rows that one level shows at once; of more, a button shows the next. */
const ROWS = 200;
const FOUND_MOST = 200;
/** So few topics are all shown at once. */
const FEW = 40;

export function TopicsView() {
	const { topics } = useStore();
	const [words, setWords] = useState("");
	const [chosen, setChosen] = useState("");
	const found = words.trim() === "" ? undefined : topics.search(words, FOUND_MOST);
	const node = topics.find(chosen);
	return (
		<div class="topics">
			<div class="tree">
				<div class="bar">
					<h2>
						Topics <small>{topics.size}</small>
					</h2>
					<input
						type="search"
						placeholder="Search"
						aria-label="Search topics and values"
						onInput={(event) => setWords((event.target as HTMLInputElement).value)}
					/>
				</div>
				{topics.size === 0 && <p class="empty">Nothing has been published yet.</p>}
				{found === undefined ? (
					<Level node={topics.root} chosen={chosen} onChoose={setChosen} />
				) : (
					<ul class="level">
						{found.map((hit) => (
							<Leaf key={hit.topic} node={hit} label={hit.topic} chosen={chosen} onChoose={setChosen} />
						))}
						{found.length === FOUND_MOST && <li class="muted">… and more; search for more words</li>}
					</ul>
				)}
			</div>
			<div class="side">
				{node !== undefined && <Value node={node} />}
				<Publish topic={chosen} />
			</div>
		</div>
	);
}

interface Choosing {
	chosen: string;
	onChoose: (topic: string) => void;
}

function Level({ node, chosen, onChoose }: Choosing & { node: TopicNode }) {
	const [rows, setRows] = useState(ROWS);
	const children = [...node.children.values()];
	return (
		<ul class="level">
			{children
				.slice(0, rows)
				.map((child) =>
					child.children.size === 0 ? (
						<Leaf key={child.name} node={child} label={child.name} chosen={chosen} onChoose={onChoose} />
					) : (
						<Branch key={child.name} node={child} chosen={chosen} onChoose={onChoose} />
					),
				)}
			{children.length > rows && (
				<li>
					<button type="button" class="quiet" onClick={() => setRows(rows + ROWS)}>
						{children.length - rows} more
					</button>
				</li>
			)}
		</ul>
	);
}

function Branch({ node, chosen, onChoose }: Choosing & { node: TopicNode }) {
	const { topics } = useStore();
	const [choice, setOpen] = useState<boolean>();
	const open = choice ?? topics.size <= FEW;
	return (
		<li>
			<div class={`row ${chosen === node.topic ? "chosen" : ""}`}>
				<button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
					<span class="mark" aria-hidden>
						{open ? "▾" : "▸"}
					</span>
					{node.name || "(empty)"} <small>{node.size}</small>
				</button>
				{node.payload !== undefined && (
					<button type="button" class="value" onClick={() => onChoose(node.topic)}>
						{short(node.text)}
					</button>
				)}
			</div>
			{open && <Level node={node} chosen={chosen} onChoose={onChoose} />}
		</li>
	);
}

function Leaf({ node, label, chosen, onChoose }: Choosing & { node: TopicNode; label: string }) {
	return (
		<li>
			<button
				type="button"
				class={`row leaf ${chosen === node.topic ? "chosen" : ""}`}
				onClick={() => onChoose(node.topic)}
			>
				<span class="name">{label || "(empty)"}</span>
				<span class="value">{short(node.text)}</span>
			</button>
		</li>
	);
}

function short(text: string): string {
	return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function Value({ node }: { node: TopicNode }) {
	const seconds = (performance.now() - node.at) / 1_000;
	return (
		<section class="value-of" aria-label="Value">
			<h3>{node.topic}</h3>
			<pre>{pretty(node.text)}</pre>
			<p class="muted">
				{node.count} received, QoS {node.qos}
				{node.retained ? ", retained" : ""}, {seconds < 2 ? "now" : `${Math.round(seconds)} s ago`}
			</p>
			{node.history.length > 1 && <Plot points={node.history} />}
		</section>
	);
}

function pretty(text: string): string {
	if (!/^\s*[[{]/.test(text)) return text;
	try {
		return JSON.stringify(JSON.parse(text), undefined, 2);
	} catch {
		return text;
	}
}

function Publish({ topic }: { topic: string }) {
	const [sent, setSent] = useState("");
	const submit = (event: SubmitEvent) => {
		event.preventDefault();
		const form = new FormData(event.target as HTMLFormElement);
		const to = String(form.get("topic"));
		publish(to, String(form.get("payload")), Number(form.get("qos")), form.get("retain") !== null)
			.then(() => setSent(`sent to ${to}`))
			.catch(complain);
	};
	return (
		<form class="publish" onSubmit={submit} aria-label="Publish">
			<h3>Publish</h3>
			<label>
				Topic
				<input name="topic" required defaultValue={topic} key={topic} />
			</label>
			<label>
				Payload
				<textarea name="payload" rows={3} />
			</label>
			<div class="buttons">
				<label class="inline">
					QoS
					<select name="qos">
						<option>0</option>
						<option>1</option>
						<option>2</option>
					</select>
				</label>
				<label class="inline">
					<input type="checkbox" name="retain" /> retain
				</label>
				<button type="submit" class="main">
					Publish
				</button>
			</div>
			<p class="muted" role="status">
				{sent}
			</p>
		</form>
	);
}
