export interface Statement {
	id: string;
	binds: string;
	hint: string;
}
export function statements(tsv: string): Statement[];
export function claims(name: string): string[];
export function judge(
	lists: Record<string, Statement[]>,
	reasons: Map<string, string>,
	outcomes: object[],
	before: string,
	requireAll: boolean,
): { problems: string[]; tests: Map<string, string[]> };
export function render(
	lists: Record<string, Statement[]>,
	reasons: Map<string, string>,
	tests: Map<string, string[]>,
): string;
