export default {
  mode: 'production',
  entry: './main.js',
  output: { filename: 'main.js', module: true, publicPath: 'auto' },
  experiments: { outputModule: true },
  // The hints are about size alone.
  performance: { hints: false },
}
