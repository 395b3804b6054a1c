// provides: sampler_settings
// What all kernels of the sampler share: the layout of `settings`, and keys that order scores.
const SETTINGS_WORDS = 32u;
const LIST_WORDS = 16384u;
const NO_TOKEN = 0xffffffffu;
const SHORTLIST_HEAD = 8u; // words before the candidates

// Words of the settings of one sequence, as src/sampling/packed-params.ts writes them.
const FLAGS = 0u;
const ZERO = 1u; // always 0; the compiler does not know
const PROMPT_LENGTH = 2u;
const SEED = 3u; // low and high word
const TEMPERATURE = 5u; // f32
const TOP_K = 6u; // 0: off
const TOP_P = 7u; // part of the weight that may go, in 2^-32
const MIN_P = 8u; // least weight
const TYPICAL_P = 9u; // part of the weight that stays, in 2^-32
const EPSILON = 10u; // least part of the weight, in 2^-32
const ETA = 11u; // the same
const ETA_ROOT = 12u; // its root
const REPETITION = 13u; // f32
const FREQUENCY = 14u; // f32
const PRESENCE = 15u; // f32
const NGRAM = 16u; // 0: off
const SHORT_BELOW = 17u; // the answer may not end before there are this many tokens
const BIASES = 18u; // offset into `lists`, count of [id, f32]
const BIASED = 20u; // offset, count of the groups of sequence biases
const WORDS = 22u; // offset, count of the groups of bad words
const ENDS = 24u; // offset, count of ids banned while the answer is too short
const BANS = 26u; // offset, count of ids banned always
const TOP_LOGPROBS = 28u; // alternatives wanted, plus 1; 0: no log-probabilities

const SAMPLE = 1u;
const RULES = 2u;
const HAS_TOP_P = 4u;
const HAS_MIN_P = 8u;
const HAS_TYPICAL_P = 16u;
const HAS_EPSILON = 32u;
const HAS_ETA = 64u;
const COUNTS = 128u; // frequency or presence penalty
const MASKED = 256u; // each output of the request has a mask of the tokens that may come

const INFINITE = 0x7f800000u;

// A u32 in the order of the scores. 0 is no candidate: NaN, -Infinity, removed. What is below 2^-126 counts as 0, since
// devices may flush it.
fn key_of(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > INFINITE || bits == 0xff800000u) { return 0u; }
  if (magnitude < 0x00800000u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}
