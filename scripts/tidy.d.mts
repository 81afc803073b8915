export function tidy(files: { path: string; text: string }[]): string[];
export function importsOf(path: string, text: string): string[];
