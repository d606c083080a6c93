/** `npm start [-- <folder>] [--once] [--json]`: the devnet command. */
process.argv.splice(2, 0, 'devnet');
await import('./main.ts');
