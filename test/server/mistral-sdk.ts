/**
 * Mistral's client by its files: this repository's tools resolve packages with the condition `source`, under which that
 * package gives TypeScript that is checked less strictly than ours.
 */
export { Mistral } from '../../node_modules/@mistralai/mistralai/esm/index.js'
export { HTTPClient } from '../../node_modules/@mistralai/mistralai/esm/lib/http.js'
export { HTTPValidationError } from '../../node_modules/@mistralai/mistralai/esm/models/errors/httpvalidationerror.js'
export { MistralError } from '../../node_modules/@mistralai/mistralai/esm/models/errors/mistralerror.js'
export { SDKError } from '../../node_modules/@mistralai/mistralai/esm/models/errors/sdkerror.js'
