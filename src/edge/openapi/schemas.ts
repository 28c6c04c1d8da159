// Every schema that the OpenAPI document names: bodies of requests as callers may write them, bodies of answers as they are sent.

import * as z from 'zod/mini';
import * as accounts from '../../contract/accounts.ts';
import * as admin from '../../contract/admin.ts';
import { EndpointsAnswer } from '../../contract/endpoints.ts';
import * as experiments from '../../contract/experiment-report.ts';
import * as oip from '../../contract/oip.ts';
import * as http from '../../contract/http.ts';
import * as lines from '../../contract/predict-lines.ts';
import { PricesAnswer } from '../../contract/price-list.ts';
import * as release from '../../contract/release.ts';
import { StatementAnswer, UsageAnswer } from '../../contract/usage.ts';

/** Bodies of requests. */
export const REQUESTS = {
  PredictInput: http.PredictInput,
  PredictRequest: http.PredictRequest,
  RouteRequest: http.RouteRequest,
  FeedbackRequest: experiments.FeedbackRequest,
  NewAccount: accounts.NewAccount,
  AccountChange: accounts.AccountChange,
  NewKey: accounts.NewKey,
  KeyRotation: accounts.KeyRotation,
  NewCredit: accounts.NewCredit,
  SignedRelease: release.SignedRelease,
  OipRequest: oip.OipRequest,
} as const;

/** Bodies of answers. */
export const ANSWERS = {
  Prediction: http.Prediction,
  PredictBatch: http.PredictBatch,
  PredictAnswer: http.PredictAnswer,
  PredictLine: lines.PredictLine,
  PredictSummary: lines.PredictSummary,
  RouteAnswer: http.RouteAnswer,
  ExpertsAnswer: http.ExpertsAnswer,
  ConfigsAnswer: http.ConfigsAnswer,
  HealthAnswer: http.HealthAnswer,
  FeedbackAnswer: experiments.FeedbackAnswer,
  ExperimentReport: experiments.ExperimentReport,
  ExperimentsAnswer: experiments.ExperimentsAnswer,
  ExperimentHistory: experiments.ExperimentHistory,
  EndpointsAnswer,
  PricesAnswer,
  UsageAnswer,
  StatementAnswer,
  AccountRecord: accounts.AccountRecord,
  AccountsAnswer: admin.AccountsAnswer,
  AccountAnswer: admin.AccountAnswer,
  CreditAnswer: admin.CreditAnswer,
  KeyAnswer: admin.KeyAnswer,
  KeysAnswer: admin.KeysAnswer,
  IssuedKeyAnswer: admin.IssuedKeyAnswer,
  ReconcileAnswer: admin.ReconcileAnswer,
  BlobAnswer: release.BlobAnswer,
  ReleasesAnswer: release.ReleasesAnswer,
  SignedRelease: release.SignedRelease,
  ReleasedAnswer: release.ReleasedAnswer,
  ReadinessAnswer: release.ReadinessAnswer,
  OpenApiDocument: z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
  OipServerMetadata: oip.OipServerMetadata,
  OipLive: oip.OipLive,
  OipReady: oip.OipReady,
  OipIndex: oip.OipIndex,
  OipModelMetadata: oip.OipModelMetadata,
  OipModelConfig: oip.OipModelConfig,
  OipModelReady: oip.OipModelReady,
  OipResponse: oip.OipResponse,
  OipError: oip.OipError,
  ErrorBody: http.ErrorBody,
} as const;

/** Name of a request's body. */
export type RequestName = keyof typeof REQUESTS;

/** Name of an answer's body. */
export type AnswerName = keyof typeof ANSWERS;
