/** The price table: what AWS asks for one unit, when that was looked up and where, and whether a second look confirmed it. */
import table from './prices.json' with { type: 'json' };

export type PriceName = keyof typeof table.prices;

export interface Price {
  readonly usd: number;
  /** The unit: `GB-month`, `request`. */
  readonly per: string;
  /** When it was looked up, YYYY-MM-DD. */
  readonly date: string;
  readonly source: string;
  /** False: from memory of the page named; look before you rely on it. */
  readonly confirmed: boolean;
}

export const PRICES: Readonly<Record<PriceName, Price>> = table.prices;
/** The region whose prices these are; others cost some 0 to 30 % more. */
export const PRICED_REGION: string = table.region;
