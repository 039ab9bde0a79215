"""Text models of transformers: encoders, encoder-decoders, decoders, state-space models."""

import torch
from torch import nn
import transformers as hf

from tools.models.zoo import case


def _ids(size, batch=1):
    return torch.randint(3, size.vocabulary, (batch, size.tokens))


def _masked(size, batch=2):
    """Ids, and a mask whose last row is padded at the end by a quarter."""
    mask = torch.ones(batch, size.tokens, dtype=torch.int64)
    mask[-1, size.tokens - size.tokens // 4:] = 0
    return {"input_ids": _ids(size, batch), "attention_mask": mask}


def _common(size):
    """What most configurations call their sizes."""
    return {
        "vocab_size": size.vocabulary, "hidden_size": size.hidden,
        "num_hidden_layers": size.layers, "num_attention_heads": size.heads,
        "intermediate_size": size.inner, "max_position_embeddings": 4 * size.tokens,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    }


def _encoder(model, config, **more):
    """An encoder: ids and a mask in, hidden states out."""
    def build(size):
        extra = {k: v(size) if callable(v) else v for k, v in more.items()}
        return model(config(**{**_common(size), **extra})), _masked(size)
    return build


def _decoder(model, config, **more):
    """A decoder: ids in, logits out, without a cache."""
    def build(size):
        extra = {k: v(size) if callable(v) else v for k, v in more.items()}
        made = model(config(**{**_common(size), **extra}))
        return made, {"input_ids": _ids(size), "use_cache": False}
    return build


def _translator(model, config, **more):
    """An encoder-decoder of BART's family."""
    def build(size):
        made = model(config(
            vocab_size=size.vocabulary, d_model=size.hidden, encoder_layers=size.layers,
            decoder_layers=size.layers, encoder_attention_heads=size.heads,
            decoder_attention_heads=size.heads, encoder_ffn_dim=size.inner,
            decoder_ffn_dim=size.inner, max_position_embeddings=4 * size.tokens, pad_token_id=0,
            bos_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None,
            **more))
        return made, {**_masked(size), "decoder_input_ids": _ids(size, 2), "use_cache": False}
    return build


def _t5(model, config):
    def build(size):
        made = model(config(
            vocab_size=size.vocabulary, d_model=size.hidden, d_kv=size.hidden // size.heads,
            d_ff=size.inner, num_layers=size.layers, num_heads=size.heads, pad_token_id=0,
            decoder_start_token_id=0))
        return made, {**_masked(size), "decoder_input_ids": _ids(size, 2), "use_cache": False}
    return build


def _distilbert(size):
    model = hf.DistilBertModel(hf.DistilBertConfig(
        vocab_size=size.vocabulary, dim=size.hidden, n_layers=size.layers, n_heads=size.heads,
        hidden_dim=size.inner, max_position_embeddings=4 * size.tokens))
    return model, _masked(size)


def _deberta(size):
    model = hf.DebertaV2Model(hf.DebertaV2Config(
        **_common(size), relative_attention=True, position_buckets=size.tokens // 2,
        pos_att_type=["p2c", "c2p"], norm_rel_ebd="layer_norm", share_att_key=True,
        position_biased_input=False, conv_kernel_size=3, conv_act="gelu"))
    return model, _masked(size)


def _xlnet(size):
    model = hf.XLNetModel(hf.XLNetConfig(
        vocab_size=size.vocabulary, d_model=size.hidden, n_layer=size.layers, n_head=size.heads,
        d_inner=size.inner))
    return model, {**_masked(size), "use_mems": False}


def _funnel(size):
    model = hf.FunnelModel(hf.FunnelConfig(
        vocab_size=size.vocabulary, block_sizes=[1, 1], num_decoder_layers=1, d_model=size.hidden,
        n_head=size.heads, d_head=size.hidden // size.heads, d_inner=size.inner))
    return model, _masked(size)


def _longformer(size):
    model = hf.LongformerModel(hf.LongformerConfig(**_common(size), attention_window=8))
    return model, _masked(size)


def _big_bird(size):
    model = hf.BigBirdModel(hf.BigBirdConfig(**_common(size), attention_type="original_full"))
    return model, _masked(size)


def _gpt(model, config, **more):
    """Decoders that call their sizes n_embd, n_layer, n_head."""
    def build(size):
        made = model(config(
            vocab_size=size.vocabulary, n_positions=4 * size.tokens, n_embd=size.hidden,
            n_layer=size.layers, n_head=size.heads, bos_token_id=1, eos_token_id=2, **more))
        return made, {"input_ids": _ids(size), "use_cache": False}
    return build


def _opt(size):
    model = hf.OPTForCausalLM(hf.OPTConfig(
        vocab_size=size.vocabulary, hidden_size=size.hidden, num_hidden_layers=size.layers,
        num_attention_heads=size.heads, ffn_dim=size.inner, word_embed_proj_dim=size.hidden,
        max_position_embeddings=4 * size.tokens, pad_token_id=1))
    return model, {**_masked(size), "use_cache": False}


def _bloom(size):
    model = hf.BloomForCausalLM(hf.BloomConfig(
        vocab_size=size.vocabulary, hidden_size=size.hidden, n_layer=size.layers,
        n_head=size.heads, pad_token_id=0))
    for block in model.transformer.h:  # its own is an autograd.Function, which cannot be traced
        block.mlp.gelu_impl = nn.GELU(approximate="tanh")
    return model, {**_masked(size), "use_cache": False}


def _mpt(size):
    model = hf.MptForCausalLM(hf.MptConfig(
        vocab_size=size.vocabulary, d_model=size.hidden, n_layers=size.layers, n_heads=size.heads,
        max_seq_len=4 * size.tokens))
    return model, {"input_ids": _ids(size), "use_cache": False}


def _xlm(size):
    model = hf.XLMModel(hf.XLMConfig(
        vocab_size=size.vocabulary, emb_dim=size.hidden, n_layers=size.layers, n_heads=size.heads,
        max_position_embeddings=4 * size.tokens))
    return model, {**_masked(size), "use_cache": False}


def _rwkv(size):
    model = hf.RwkvForCausalLM(hf.RwkvConfig(
        vocab_size=size.vocabulary, hidden_size=size.hidden, num_hidden_layers=size.layers,
        attention_hidden_size=size.hidden, intermediate_size=size.inner))
    return model, {"input_ids": _ids(size), "use_cache": False}


def _mamba(model, config, **more):
    def build(size):
        made = model(config(vocab_size=size.vocabulary, hidden_size=size.hidden,
                            num_hidden_layers=size.layers, state_size=8, pad_token_id=0,
                            bos_token_id=1, eos_token_id=2, **more))
        return made, {"input_ids": _ids(size), "use_cache": False}
    return build


def _half(size):
    return size.heads // 2


# A loop over the experts that were hit depends on the data; this computes each token's experts.
_BATCHED = {"experts_implementation": "batched_mm"}
_MOE = {**_BATCHED, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
        "num_key_value_heads": _half}

# name: summary, builder
_MODELS = {
    "t5": ("T5, encoder and decoder", _t5(hf.T5ForConditionalGeneration, hf.T5Config)),
    "mt5": ("mT5, gated GELU", _t5(hf.MT5ForConditionalGeneration, hf.MT5Config)),
    "umt5": ("UMT5, relative bias in each layer",
             _t5(hf.UMT5ForConditionalGeneration, hf.UMT5Config)),
    "bart": ("BART", _translator(hf.BartForConditionalGeneration, hf.BartConfig)),
    "mbart": ("mBART", _translator(hf.MBartForConditionalGeneration, hf.MBartConfig)),
    "pegasus": ("Pegasus, sinusoidal positions",
                _translator(hf.PegasusForConditionalGeneration, hf.PegasusConfig)),
    "marian": ("Marian", _translator(hf.MarianMTModel, hf.MarianConfig)),
    "m2m100": ("M2M100", _translator(hf.M2M100ForConditionalGeneration, hf.M2M100Config)),
    "blenderbot": ("Blenderbot",
                   _translator(hf.BlenderbotForConditionalGeneration, hf.BlenderbotConfig)),
    "distilbert": ("DistilBERT", _distilbert),
    "roberta": ("RoBERTa, positions from the mask", _encoder(hf.RobertaModel, hf.RobertaConfig)),
    "camembert": ("CamemBERT", _encoder(hf.CamembertModel, hf.CamembertConfig)),
    "albert": ("ALBERT, shared layers",
               _encoder(hf.AlbertModel, hf.AlbertConfig, embedding_size=32)),
    "electra": ("ELECTRA", _encoder(hf.ElectraModel, hf.ElectraConfig, embedding_size=32)),
    "convbert": ("ConvBERT, span-based dynamic convolution",
                 _encoder(hf.ConvBertModel, hf.ConvBertConfig, embedding_size=lambda s: s.hidden,
                          num_attention_heads=4)),
    "mobilebert": ("MobileBERT, bottlenecks",
                   _encoder(hf.MobileBertModel, hf.MobileBertConfig, embedding_size=32,
                            intra_bottleneck_size=32, num_feedforward_networks=2)),
    "squeezebert": ("SqueezeBERT, grouped 1-d convolutions",
                    _encoder(hf.SqueezeBertModel, hf.SqueezeBertConfig,
                             embedding_size=lambda s: s.hidden)),
    "roformer": ("RoFormer, rotary positions",
                 _encoder(hf.RoFormerModel, hf.RoFormerConfig, embedding_size=None)),
    "deberta_v2": ("DeBERTa-v2, disentangled attention", _deberta),
    "mpnet": ("MPNet, relative position buckets", _encoder(hf.MPNetModel, hf.MPNetConfig)),
    "esm": ("ESM, protein encoder",
            _encoder(hf.EsmModel, hf.EsmConfig, position_embedding_type="rotary",
                     mask_token_id=3)),
    "fnet": ("FNet, Fourier mixing",
             lambda s: (hf.FNetModel(hf.FNetConfig(
                 vocab_size=s.vocabulary, hidden_size=s.hidden, num_hidden_layers=s.layers,
                 intermediate_size=s.inner, pad_token_id=0)), {"input_ids": _ids(s)})),
    "modernbert": ("ModernBERT, local and global attention",
                   _encoder(hf.ModernBertModel, hf.ModernBertConfig, local_attention=8)),
    "xlnet": ("XLNet", _xlnet),
    "xlm": ("XLM", _xlm),
    "funnel": ("Funnel transformer, pooled queries", _funnel),
    "longformer": ("Longformer, sliding windows", _longformer),
    "big_bird": ("BigBird, full attention", _big_bird),
    "canine": ("CANINE, characters",
               lambda s: (hf.CanineModel(hf.CanineConfig(
                   hidden_size=s.hidden, num_hidden_layers=s.layers, num_attention_heads=s.heads,
                   intermediate_size=s.inner, max_position_embeddings=4 * s.tokens,
                   downsampling_rate=4, num_hash_buckets=256, local_transformer_stride=8)),
                   _masked(s))),
    "gpt_neox": ("GPT-NeoX", _decoder(hf.GPTNeoXForCausalLM, hf.GPTNeoXConfig)),
    "gpt_neo": ("GPT-Neo, local attention",
                lambda s: (hf.GPTNeoForCausalLM(hf.GPTNeoConfig(
                    vocab_size=s.vocabulary, hidden_size=s.hidden, num_layers=2,
                    num_heads=s.heads, attention_types=[[["global", "local"], 1]],
                    window_size=8, intermediate_size=s.inner,
                    max_position_embeddings=4 * s.tokens, bos_token_id=1, eos_token_id=2)),
                    {"input_ids": _ids(s), "use_cache": False})),
    "gptj": ("GPT-J, interleaved rotary positions",
             _gpt(hf.GPTJForCausalLM, hf.GPTJConfig, rotary_dim=8)),
    "codegen": ("CodeGen", _gpt(hf.CodeGenForCausalLM, hf.CodeGenConfig, rotary_dim=8)),
    "gpt_bigcode": ("GPTBigCode, one key head", _gpt(hf.GPTBigCodeForCausalLM,
                                                     hf.GPTBigCodeConfig)),
    "opt": ("OPT", _opt),
    "bloom": ("BLOOM, ALiBi", _bloom),
    "mpt": ("MPT, ALiBi", _mpt),
    "llama": ("Llama", _decoder(hf.LlamaForCausalLM, hf.LlamaConfig, num_key_value_heads=_half)),
    "mistral": ("Mistral, sliding window",
                _decoder(hf.MistralForCausalLM, hf.MistralConfig, num_key_value_heads=_half,
                         sliding_window=8)),
    "mixtral": ("Mixtral, routed experts",
                _decoder(hf.MixtralForCausalLM, hf.MixtralConfig, num_key_value_heads=_half,
                         num_local_experts=4, **_BATCHED)),
    "qwen2": ("Qwen2", _decoder(hf.Qwen2ForCausalLM, hf.Qwen2Config, num_key_value_heads=_half)),
    "qwen2_moe": ("Qwen2-MoE",
                  _decoder(hf.Qwen2MoeForCausalLM, hf.Qwen2MoeConfig, **_MOE,
                           shared_expert_intermediate_size=32)),
    "qwen3": ("Qwen3", _decoder(hf.Qwen3ForCausalLM, hf.Qwen3Config, num_key_value_heads=_half,
                                head_dim=16)),
    "qwen3_moe": ("Qwen3-MoE", _decoder(hf.Qwen3MoeForCausalLM, hf.Qwen3MoeConfig, **_MOE,
                                        head_dim=16)),
    "gemma": ("Gemma", _decoder(hf.GemmaForCausalLM, hf.GemmaConfig, num_key_value_heads=_half,
                                head_dim=16)),
    "gemma2": ("Gemma 2, soft caps",
               _decoder(hf.Gemma2ForCausalLM, hf.Gemma2Config, num_key_value_heads=_half,
                        head_dim=16, sliding_window=8)),
    "gemma3": ("Gemma 3, text",
               _decoder(hf.Gemma3ForCausalLM, hf.Gemma3TextConfig, num_key_value_heads=_half,
                        head_dim=16, sliding_window=8)),
    "phi": ("Phi", _decoder(hf.PhiForCausalLM, hf.PhiConfig)),
    "phi3": ("Phi-3", _decoder(hf.Phi3ForCausalLM, hf.Phi3Config, num_key_value_heads=_half)),
    "falcon": ("Falcon, one key head", _decoder(hf.FalconForCausalLM, hf.FalconConfig)),
    "falcon_alibi": ("Falcon with ALiBi",
                     _decoder(hf.FalconForCausalLM, hf.FalconConfig, alibi=True,
                              new_decoder_architecture=False)),
    "stablelm": ("StableLM", _decoder(hf.StableLmForCausalLM, hf.StableLmConfig,
                                      num_key_value_heads=_half)),
    "cohere": ("Cohere", _decoder(hf.CohereForCausalLM, hf.CohereConfig,
                                  num_key_value_heads=_half)),
    "olmo": ("OLMo", _decoder(hf.OlmoForCausalLM, hf.OlmoConfig)),
    "olmo2": ("OLMo 2", _decoder(hf.Olmo2ForCausalLM, hf.Olmo2Config)),
    "starcoder2": ("StarCoder2", _decoder(hf.Starcoder2ForCausalLM, hf.Starcoder2Config,
                                          num_key_value_heads=_half)),
    "granite": ("Granite", _decoder(hf.GraniteForCausalLM, hf.GraniteConfig,
                                    num_key_value_heads=_half)),
    "gpt_oss": ("GPT-OSS, attention sinks and experts",
                _decoder(hf.GptOssForCausalLM, hf.GptOssConfig, num_key_value_heads=_half,
                         head_dim=16, num_local_experts=4, num_experts_per_tok=2,
                         sliding_window=8, **_BATCHED)),
    "mamba": ("Mamba, selective scan", _mamba(hf.MambaForCausalLM, hf.MambaConfig)),
    "mamba2": ("Mamba-2, chunked scan",
               _mamba(hf.Mamba2ForCausalLM, hf.Mamba2Config, num_heads=8, head_dim=16, expand=2,
                      n_groups=1, chunk_size=8)),
    "rwkv": ("RWKV", _rwkv),
}

CASES = tuple(case(name, summary, build) for name, (summary, build) in _MODELS.items())
