/** Says in words what a schema found wrong with a value. */
import type { TLocalizedValidationError } from 'typebox/error';

/** One sentence that names the member at fault. May quote what was sent, as it was sent. */
export function describeFault(fault: TLocalizedValidationError): string {
  const steps = fault.instancePath.split('/').slice(1);
  const member = steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')).join('.');
  const where = member === '' ? 'The element' : member;
  switch (fault.keyword) {
    case 'boolean':
      // The schema `false` stands for every member that is not among the known ones.
      return `${where}: is not a known member.`;
    case 'enum':
      return `${where}: must be one of ${fault.params.allowedValues.join(', ')}.`;
    case 'pattern':
      return `${where}: holds characters that are not allowed.`;
    default:
      return `${where}: ${fault.message}.`;
  }
}
