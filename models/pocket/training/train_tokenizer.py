"""Trains the byte-fallback BPE tokenizer of the pocket model and writes tokenizer.json, tokenizer_config.json.

    python train_tokenizer.py --out ..

Same scheme as the Mistral v3 SentencePiece tokenizer: <unk> <s> </s> [INST] [/INST], 256 byte pieces, then merges; a
space is U+2581, one is put before the text that starts the input. Merges are learned with punctuation and digits split
off, so that no piece glues a question mark or two digits to anything.
"""
import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from build_corpus import Sampler

SPECIAL = ['<unk>', '<s>', '</s>', '[INST]', '[/INST]']
CHAT_TEMPLATE = (
    "{%- if messages and messages[0]['role'] == 'system' %}"
    "{%- set system = messages[0]['content'].strip() + '\\n\\n' %}{%- set loop_messages = messages[1:] %}"
    "{%- else %}{%- set system = '' %}{%- set loop_messages = messages %}{%- endif %}"
    "{{- bos_token }}"
    "{%- for message in loop_messages %}"
    "{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}"
    "{%- endif %}"
    "{%- if message['role'] == 'user' %}"
    "{{- '[INST] ' + (system if loop.first else '') + message['content'] + '[/INST]' }}"
    "{%- elif message['role'] == 'assistant' %}"
    "{{- ' ' + message['content'].strip() + eos_token }}"
    "{%- else %}"
    "{{- raise_exception('Only user, assistant and one leading system message are supported') }}"
    "{%- endif %}"
    "{%- endfor %}"
)


def texts(conversations, seed):
    sampler = Sampler(seed)
    for text in [a for _, a in sampler.all_answers()] * 60:
        yield text
    for _ in range(conversations):
        for q, a, _ in sampler.conversation():
            yield q
            yield a


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--out', type=Path, default=Path(__file__).parent.parent)
    p.add_argument('--vocab', type=int, default=1280)
    p.add_argument('--conversations', type=int, default=20000)
    p.add_argument('--seed', type=int, default=7)
    a = p.parse_args()
    byte_pieces = [f'<0x{b:02X}>' for b in range(256)]
    tok = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token='<unk>'))
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Metaspace(prepend_scheme='always'), pre_tokenizers.Punctuation('isolated'),
        pre_tokenizers.Digits(individual_digits=True)])
    alphabet = [chr(c) for c in range(33, 127)] + list('▁éèêàâäöüôîïçñáíóúßœ’–')
    trainer = trainers.BpeTrainer(vocab_size=a.vocab, special_tokens=SPECIAL + byte_pieces, initial_alphabet=alphabet,
                                  limit_alphabet=len(alphabet), show_progress=False)
    tok.train_from_iterator(texts(a.conversations, a.seed), trainer)
    d = json.loads(tok.to_str())
    special = lambda i, c: {'id': i, 'content': c, 'single_word': False, 'lstrip': False, 'rstrip': False,
                            'normalized': False, 'special': True}
    d['added_tokens'] = [special(i, c) for i, c in enumerate(SPECIAL)]
    d['pre_tokenizer'] = {'type': 'Metaspace', 'replacement': '▁', 'prepend_scheme': 'first', 'split': False}
    d['post_processor'] = {
        'type': 'TemplateProcessing',
        'single': [{'SpecialToken': {'id': '<s>', 'type_id': 0}}, {'Sequence': {'id': 'A', 'type_id': 0}}],
        'pair': [{'SpecialToken': {'id': '<s>', 'type_id': 0}}, {'Sequence': {'id': 'A', 'type_id': 0}},
                 {'SpecialToken': {'id': '<s>', 'type_id': 1}}, {'Sequence': {'id': 'B', 'type_id': 1}}],
        'special_tokens': {'<s>': {'id': '<s>', 'ids': [1], 'tokens': ['<s>']}}}
    d['decoder'] = {'type': 'Sequence', 'decoders': [
        {'type': 'Replace', 'pattern': {'String': '▁'}, 'content': ' '}, {'type': 'ByteFallback'}, {'type': 'Fuse'},
        {'type': 'Strip', 'content': ' ', 'start': 1, 'stop': 0}]}
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / 'tokenizer.json').write_text(json.dumps(d, ensure_ascii=False, indent=1) + '\n', encoding='utf8')
    flat = {k: v for k, v in special(0, '').items() if k != 'id'}
    config = {
        'add_bos_token': True, 'add_eos_token': False,
        'added_tokens_decoder': {str(i): {**flat, 'content': c} for i, c in enumerate(SPECIAL)},
        'bos_token': '<s>', 'eos_token': '</s>', 'unk_token': '<unk>', 'pad_token': None,
        'chat_template': CHAT_TEMPLATE, 'clean_up_tokenization_spaces': False, 'model_max_length': 1024,
        'tokenizer_class': 'PreTrainedTokenizerFast'}
    (a.out / 'tokenizer_config.json').write_text(json.dumps(config, ensure_ascii=False, indent=2) + '\n', encoding='utf8')
    print('vocabulary', len(d['model']['vocab']), 'merges', len(d['model']['merges']))


if __name__ == '__main__':
    main()
