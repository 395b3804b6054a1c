export default {
  mode: 'production',
  entry: './main.js',
  output: { filename: 'main.js', module: true, publicPath: 'auto' },
  experiments: { outputModule: true },
  // Told apart by runtime, the exports that a page and its worker use make webpack 5.113 fail in buildChunkGraph.js.
  optimization: { usedExports: 'global' },
  // The hints are about size alone.
  performance: { hints: false },
}
