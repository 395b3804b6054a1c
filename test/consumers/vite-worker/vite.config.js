// The embedded model is a chunk of 9 MB, which Vite would remark on.
export default { build: { chunkSizeWarningLimit: 10_000 }, worker: { format: 'es' } }
