/** The exceptions of the Prompt API: `DOMException`s by their names. */
import { AbortError, ConstraintError, ContextLengthError, DeviceError, MemoryError, ParameterError } from '../errors.ts'

/** More tokens than there is room for. Browsers have a class of this name of their own since 2025. */
export class QuotaExceededError extends DOMException {
  /** Tokens that were asked for. */
  readonly requested: number
  /** Tokens that there is room for. */
  readonly quota: number

  constructor(message: string, { requested, quota }: { requested: number; quota: number }) {
    super(message, 'QuotaExceededError')
    this.requested = requested
    this.quota = quota
  }
}

export function notSupported(message: string, cause?: unknown): DOMException {
  return withCause(new DOMException(message, 'NotSupportedError'), cause)
}

export function syntaxError(message: string): DOMException {
  return new DOMException(message, 'SyntaxError')
}

/** Fields of a request that the model, or this library, does not know how to follow. */
const UNSUPPORTED = /^(response_format|regex|reasoning_effort|tools|tool_choice)\b/

/** What the API's callers get for an error of the library. Reasons of aborts stay what they are. */
export function toDomException(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof DOMException || error instanceof TypeError || error instanceof RangeError) return error
  if (error instanceof ContextLengthError) {
    const { message, promptTokens: requested, contextLength: quota } = error
    return withCause(new QuotaExceededError(message, { requested, quota }), error)
  }
  if (error instanceof AbortError) return withCause(new DOMException(error.message, 'AbortError'), error)
  const { message } = error as Error
  if (error instanceof ConstraintError) return notSupported(message, error)
  if (error instanceof ParameterError && UNSUPPORTED.test(error.parameter)) return notSupported(message, error)
  const failed = error instanceof DeviceError || error instanceof MemoryError
  return withCause(new DOMException(message, failed ? 'OperationError' : 'UnknownError'), error)
}

/** `DOMException` takes no cause. */
function withCause<T extends DOMException>(exception: T, cause: unknown): T {
  if (cause !== undefined) Object.defineProperty(exception, 'cause', { value: cause, configurable: true })
  return exception
}
