/** How far a model is that is being loaded. */

import { bytes, duration } from '../state/format.ts'
import { cancelLoading, type Loading } from '../state/model.ts'

const PHASES: Record<Loading['phase'], string> = {
  open: 'Reading the headers',
  download: 'Downloading',
  weights: 'Bringing the weights to the GPU',
  compile: 'Compiling the shaders',
  ready: 'Ready',
}

export function Progress({ name, phase, loaded: done, total, bytesPerSecond, secondsLeft, file }: Loading) {
  const known = (phase === 'weights' || phase === 'download') && total > 0
  return (
    <section class="loading" id="loading" aria-label="Loading">
      <h2>{name}</h2>
      <p id="phase" role="status">
        {PHASES[phase]} {phase === 'download' && file}
      </p>
      {/* Without a value the bar runs to and fro: there is something to wait for, but no amount. */}
      <progress {...(known && { value: done / total })} aria-label={PHASES[phase]} />
      <p class="small numbers">
        <span>{total > 0 ? `${bytes(done)} of ${bytes(total)}` : ' '}</span>
        <span>{bytesPerSecond === undefined ? '' : `${bytes(bytesPerSecond)}/s`}</span>
        <span>{secondsLeft === undefined ? '' : `${duration(secondsLeft)} left`}</span>
      </p>
      <button type="button" onClick={cancelLoading}>
        Cancel
      </button>
      <p class="small">What has come stays: loading the same model again goes on from there.</p>
    </section>
  )
}
