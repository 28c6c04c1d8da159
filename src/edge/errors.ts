// Errors as bodies.

import type { ErrorBody } from '../contract/http.ts';
import { TwinrouteError, isTwinrouteError } from '../core/errors.ts';

/** The twinroute error of any thrown value; a defect's own message stays inside. */
export function toTwinrouteError(thrown: unknown): TwinrouteError {
  return isTwinrouteError(thrown) ? thrown : new TwinrouteError('internal', 'edge: expected no defect, got one', { cause: thrown });
}

/** The error's body. */
export function errorBody(error: TwinrouteError, requestId: string): ErrorBody {
  const { code, message, param, details } = error;
  return {
    error: {
      code,
      message,
      ...(param === undefined || param === '' ? {} : { param }),
      ...(details === undefined ? {} : { details: { ...details } }),
      request_id: requestId,
    },
  };
}
