/** Masking strategies: what an erasure rule leaves in the place of the data. Pure. */
import { OAuthError } from '@postern/protocol';

interface MaskingConfiguration {
  readonly algorithm?: 'SHA-256' | 'SHA-512';
  readonly mode?: 'GCM';
  /** Characters. */
  readonly length?: number;
  readonly rewrite_value?: string;
  readonly format_preservation?: { readonly suffix: string };
}

/** The configuration of each strategy. It is never answered, as in Fides: how data was masked helps to unmask it. */
const configurationOf = {
  aes_encrypt: ['mode', 'format_preservation'],
  hash: ['algorithm', 'format_preservation'],
  hmac: ['algorithm', 'format_preservation'],
  null_rewrite: [],
  random_string_rewrite: ['length', 'format_preservation'],
  string_rewrite: ['rewrite_value', 'format_preservation'],
} as const satisfies Record<string, readonly (keyof MaskingConfiguration)[]>;

type MaskingStrategyName = keyof typeof configurationOf;

export const maskingStrategyNames = Object.keys(configurationOf) as MaskingStrategyName[];

export interface MaskingStrategy {
  readonly strategy: MaskingStrategyName;
  readonly configuration: MaskingConfiguration;
}

/** A strategy as it was sent: without a configuration, the one that the rule has for it stays. */
export type SentMaskingStrategy = Pick<MaskingStrategy, 'strategy'> & Partial<MaskingStrategy>;

/** Throws `invalid_parameter` if the configuration does not fit the strategy. */
export function requireConfigured({ strategy, configuration }: MaskingStrategy): void {
  const foreign = Object.keys(configuration).find(
    (member) => !(configurationOf[strategy] as readonly string[]).includes(member),
  );
  if (foreign !== undefined) {
    throw new OAuthError(
      'invalid_parameter',
      `masking_strategy.configuration.${foreign}: does not apply to the strategy ${strategy}.`,
    );
  }
  if (strategy === 'string_rewrite' && configuration.rewrite_value === undefined) {
    throw new OAuthError(
      'invalid_parameter',
      'masking_strategy.configuration.rewrite_value: is required for the strategy string_rewrite.',
    );
  }
}
