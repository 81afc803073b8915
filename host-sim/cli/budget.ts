export function budget(_args: string[]): number { return 0; }
