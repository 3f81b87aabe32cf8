/** What an attack is: a file in `attacks/` that tries something on a started server and reports what the server did. */
import type { Target } from './target.ts';

export interface Attack {
  /** In words, unique. `--only` takes a part of it. */
  readonly name: string;
  /** What the attacker tries, in a sentence. */
  readonly tries: string;
  /** It measures other clients for some seconds while it runs. Others only compare answers. */
  readonly isFlood?: boolean;
  /** It gets a server of its own with these variables. Other attacks share one, except floods. */
  readonly env?: Readonly<Record<string, string>>;
  run(target: Target, findings: Findings): Promise<void>;
}

/** What an attack has found out. */
export class Findings {
  readonly fell: string[];
  readonly held: string[];
  readonly figures: string[];
  readonly #about: string;

  constructor(
    about = '',
    { fell = [], held = [], figures = [] }: Partial<Pick<Findings, 'fell' | 'held' | 'figures'>> = {},
  ) {
    this.#about = about;
    this.fell = fell;
    this.held = held;
    this.figures = figures;
  }

  /** The same findings; what is added to them begins with `text`. */
  about(text: string): Findings {
    return new Findings(`${this.#about}${text}: `, this);
  }

  /** Records whether the server kept `promise`, and what shows that it did not. */
  check(promise: string, isHeld: boolean, evidence: unknown = ''): void {
    if (isHeld) {
      this.held.push(this.#about + promise);
    } else {
      this.fell.push(`${this.#about}${promise}: ${typeof evidence === 'string' ? evidence : JSON.stringify(evidence)}`);
    }
  }

  /** Records a measurement, for the table. */
  measured(figure: string): void {
    this.figures.push(this.#about + figure);
  }
}
