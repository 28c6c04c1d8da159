// One operation of the interface, as the OpenAPI document and the page at /docs show it.

import type { ErrorCode } from '../../core/errors.ts';
import type { Access } from '../accounts/authenticate.ts';
import type { ParameterName } from './parameters.ts';
import type { AnswerName, RequestName } from './schemas.ts';

/** A body that is not JSON. */
export interface OtherBody {
  /** Content type. */
  readonly type: string;
  readonly description: string;
  /** What each line holds, where it is lines of JSON. */
  readonly lines?: AnswerName;
}

/** One operation; bodies are named by their schema. */
export interface ApiOperation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Parameters in braces. */
  readonly path: string;
  /** One line, present tense. */
  readonly summary: string;
  /** What the summary leaves open; plain text, a paragraph a line. */
  readonly description?: string;
  readonly access: Access;
  readonly request?: RequestName | OtherBody;
  readonly answer: AnswerName | OtherBody;
  /** The answer in another form, for who accepts that. */
  readonly otherwise?: OtherBody;
  /** Statuses of answers; 200 when absent. */
  readonly status?: readonly (200 | 201)[];
  /** Whether answers are charged: the caller may name the request, and hears what it cost. */
  readonly charged?: boolean;
  /** Parameters of the query and headers of the request, by their names in parameters.ts. */
  readonly parameters?: readonly ParameterName[];
  /** Ways to fail beside those that follow from the rest. */
  readonly errors?: readonly ErrorCode[];
  /** Body of errors, where it is not the usual one. */
  readonly errorBody?: AnswerName;
}
