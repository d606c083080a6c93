/** A process of the pool: a scenario comes in, its outcome goes out. */
import type { Scenario } from './scenario.ts';
import { simulate } from './simulate.ts';

process.on('message', (scenario: Scenario) => {
  simulate(scenario).then(
    (outcome) => process.send?.(outcome),
    (error) => {
      console.error(`seed ${scenario.seed}:`, error);
      process.exit(1);
    },
  );
});
