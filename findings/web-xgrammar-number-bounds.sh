#!/usr/bin/env bash
# version: @mlc-ai/web-xgrammar 0.1.27
# behaviour: the grammar that is made of a schema's bounds for a `number` lets answers through that the schema forbids, and leaves no way to
#   write some that it allows, without an error or a warning. {"minimum": 0, "maximum": 100} takes 100.5, since fractions are added to the
#   highest whole number too; {"minimum": -1, "maximum": 1} takes -1.9 and refuses -0.5; {"minimum": 0} refuses 0.5. The text of a bound that
#   has a fraction is read as a pattern, in which the point is any character: {"minimum": 0.5, "maximum": 1.5} takes 105 and 1x5, which is no
#   JSON at all, and refuses 1. {"exclusiveMinimum": 0} refuses 0.5, and {"exclusiveMinimum": 0, "maximum": 1} takes 0.
# The grammars of such schemas are asked for texts. The package is no module whatever it says, so a copy of its script is run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @mlc-ai/web-xgrammar@0.1.27 2> errors || { cat errors >&2; exit 2; }
cp node_modules/@mlc-ai/web-xgrammar/lib/index.js xgrammar.cjs
cat > try.cjs <<'JS'
const { Grammar, Testings } = require('./xgrammar.cjs')
// Of each schema: what is right, what is wrongly taken, what is wrongly refused.
const CASES = [
  [{ minimum: 0, maximum: 100 }, ['0', '50', '99.5', '100'], ['100.5', '100.99'], []],
  [{ minimum: -1, maximum: 1 }, ['-1', '0', '0.5', '1'], ['-1.9', '1.9'], ['-0.5', '-0.25']],
  [{ minimum: 0 }, ['0', '1.5', '5'], [], ['0.5', '0.25']],
  [{ minimum: 0, maximum: 0.5 }, ['0', '0.5'], [], ['0.1', '0.25', '0.49']],
  [{ minimum: 0.5, maximum: 1.5 }, ['0.5', '0.75', '1.25', '1.5'], ['105', '1x5'], ['1']],
  [{ exclusiveMinimum: 0 }, ['1'], [], ['0.5']],
  [{ exclusiveMinimum: 0, maximum: 1 }, ['0.5', '1'], ['0', '1.5'], []],
]
async function main() {
  let same = true
  for (const [bounds, right, taken, refused] of CASES) {
    const grammar = await Grammar.fromJSONSchema(JSON.stringify({ type: 'number', ...bounds }))
    const takes = (text) => Testings.isGrammarAcceptString(grammar, text)
    const seen = { taken: [], refused: [] }
    for (const text of [...right, ...taken, ...refused]) seen[(await takes(text)) ? 'taken' : 'refused'].push(text)
    console.log(JSON.stringify(bounds), 'takes', seen.taken.join(' '), seen.refused.length === 0 ? '' : `and refuses ${seen.refused.join(' ')}`)
    same &&= seen.taken.join() === [...right, ...taken].join() && seen.refused.join() === refused.join()
    grammar.dispose()
  }
  process.exit(same ? 0 : 1)
}
main()
JS
node try.cjs
