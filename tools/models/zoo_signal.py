"""Models of transformers for sound and time series."""

import torch
import transformers as hf

from tools.models.zoo import case


def _wave(size, batch=1):
    return torch.randn(batch, size.samples)


def _wav2vec(model, config, **more):
    """Wav2Vec2 and its relatives: waveform in, hidden states out."""
    def build(size):
        made = model(config(
            vocab_size=32, hidden_size=size.hidden, num_hidden_layers=size.layers,
            num_attention_heads=size.heads, intermediate_size=size.inner,
            conv_dim=[32, 32, 32], conv_kernel=[10, 3, 3], conv_stride=[5, 2, 2],
            num_feat_extract_layers=3, num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4, **more))
        return made, {"input_values": _wave(size)}
    return build


def _whisper(size):
    model = hf.WhisperForConditionalGeneration(hf.WhisperConfig(
        vocab_size=size.vocabulary, num_mel_bins=20, d_model=size.hidden,
        encoder_layers=size.layers, decoder_layers=size.layers, encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads, encoder_ffn_dim=size.inner, decoder_ffn_dim=size.inner,
        max_source_positions=size.tokens, max_target_positions=size.tokens, pad_token_id=0,
        bos_token_id=1, eos_token_id=2, decoder_start_token_id=1))
    return model, {"input_features": torch.randn(1, 20, 2 * size.tokens),
                   "decoder_input_ids": torch.randint(3, size.vocabulary, (1, 8)),
                   "use_cache": False}


def _speecht5_vocoder(size):
    model = hf.SpeechT5HifiGan(hf.SpeechT5HifiGanConfig(
        model_in_dim=20, upsample_initial_channel=64, upsample_rates=[4, 4],
        upsample_kernel_sizes=[8, 8], resblock_kernel_sizes=[3, 7],
        resblock_dilation_sizes=[[1, 3], [1, 3]]))
    return _Positional(model), (torch.randn(size.tokens, 20),)


def _speecht5(size):
    model = hf.SpeechT5ForSpeechToText(hf.SpeechT5Config(
        vocab_size=size.vocabulary, hidden_size=size.hidden, encoder_layers=size.layers,
        decoder_layers=size.layers, encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads, encoder_ffn_dim=size.inner, decoder_ffn_dim=size.inner,
        conv_dim=[32, 32, 32], conv_kernel=[10, 3, 3], conv_stride=[5, 2, 2],
        num_feat_extract_layers=3, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4))
    return model, {"input_values": _wave(size),
                   "decoder_input_ids": torch.randint(3, size.vocabulary, (1, 8)),
                   "use_cache": False}


def _speech_to_text(size):
    model = hf.Speech2TextForConditionalGeneration(hf.Speech2TextConfig(
        vocab_size=size.vocabulary, d_model=size.hidden, encoder_layers=size.layers,
        decoder_layers=size.layers, encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads, encoder_ffn_dim=size.inner,
        decoder_ffn_dim=size.inner, input_feat_per_channel=20, conv_channels=32))
    return model, {"input_features": torch.randn(1, 4 * size.tokens, 20),
                   "decoder_input_ids": torch.randint(3, size.vocabulary, (1, 8)),
                   "use_cache": False}


def _clap(size):
    model = hf.ClapAudioModel(hf.ClapAudioConfig(
        spec_size=64, num_mel_bins=16, patch_size=4, patch_stride=[4, 4], patch_embeds_hidden_size=24,
        depths=[1, 1], num_attention_heads=[2, 4], window_size=4, hidden_size=48,
        enable_fusion=False))
    return model, {"input_features": torch.randn(1, 1, 256, 16)}


def _ast(size):
    model = hf.ASTModel(hf.ASTConfig(
        hidden_size=size.hidden, num_hidden_layers=size.layers, num_attention_heads=size.heads,
        intermediate_size=size.inner, max_length=4 * size.tokens, num_mel_bins=32))
    return model, {"input_values": torch.randn(1, 4 * size.tokens, 32)}


class _Positional(torch.nn.Module):
    """A model whose one result is not a tuple, called without keywords."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *args):
        return self.model(*args)


class _Codec(torch.nn.Module):
    """The encoder and decoder of a codec, without the codebooks between them."""

    def __init__(self, model):
        super().__init__()
        self.encoder, self.decoder = model.encoder, model.decoder

    def forward(self, wave):
        code = self.encoder(wave)
        return code, self.decoder(code)


def _encodec(size):
    model = hf.EncodecModel(hf.EncodecConfig(
        num_filters=8, hidden_size=32, upsampling_ratios=[4, 2], num_lstm_layers=2,
        codebook_size=32))
    return _Codec(model), (torch.randn(1, 1, size.samples),)


def _encodec_codes(size):
    model = hf.EncodecModel(hf.EncodecConfig(
        num_filters=8, hidden_size=32, upsampling_ratios=[4, 2], num_lstm_layers=1,
        codebook_size=32, codebook_dim=32))
    return model, {"input_values": torch.randn(1, 1, size.samples)}


def _dac(size):
    model = hf.DacModel(hf.DacConfig(
        encoder_hidden_size=8, downsampling_ratios=[2, 4], decoder_hidden_size=32, n_codebooks=2,
        codebook_size=32, codebook_dim=8))
    return model, {"input_values": torch.randn(1, 1, size.samples)}


def _series(size, model, config, **more):
    context, horizon, lags = 24, 8, [1, 2, 3]
    made = model(config(
        prediction_length=horizon, context_length=context, lags_sequence=lags,
        num_time_features=2, d_model=size.hidden, encoder_layers=size.layers,
        decoder_layers=size.layers, encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads, encoder_ffn_dim=size.inner, decoder_ffn_dim=size.inner,
        **more))
    past = context + max(lags)
    return made, {"past_values": torch.rand(2, past), "past_time_features": torch.randn(2, past, 2),
                  "past_observed_mask": torch.ones(2, past),
                  "future_values": torch.rand(2, horizon),
                  "future_time_features": torch.randn(2, horizon, 2), "use_cache": False}


def _patch_tst(size):
    model = hf.PatchTSTForPrediction(hf.PatchTSTConfig(
        num_input_channels=3, context_length=32, patch_length=8, patch_stride=4,
        d_model=size.hidden, num_hidden_layers=size.layers, num_attention_heads=size.heads,
        ffn_dim=size.inner, prediction_length=8, loss="mse"))
    return model, {"past_values": torch.randn(2, 32, 3)}


def _patch_tsmixer(size):
    model = hf.PatchTSMixerForPrediction(hf.PatchTSMixerConfig(
        num_input_channels=3, context_length=32, patch_length=8, patch_stride=8,
        d_model=size.hidden, num_layers=size.layers, prediction_length=8, loss="mse"))
    return model, {"past_values": torch.randn(2, 32, 3), "return_loss": False}


# name: summary, builder
_MODELS = {
    "wav2vec2": ("Wav2Vec2, CTC", _wav2vec(hf.Wav2Vec2ForCTC, hf.Wav2Vec2Config)),
    "wav2vec2_stable": ("Wav2Vec2, layer norms first",
                        _wav2vec(hf.Wav2Vec2Model, hf.Wav2Vec2Config, feat_extract_norm="layer",
                                 do_stable_layer_norm=True)),
    "wav2vec2_conformer": ("Wav2Vec2-Conformer",
                           _wav2vec(hf.Wav2Vec2ConformerModel, hf.Wav2Vec2ConformerConfig)),
    "hubert": ("HuBERT", _wav2vec(hf.HubertModel, hf.HubertConfig)),
    "wavlm": ("WavLM, gated relative positions", _wav2vec(hf.WavLMModel, hf.WavLMConfig)),
    "unispeech_sat": ("UniSpeech-SAT", _wav2vec(hf.UniSpeechSatModel, hf.UniSpeechSatConfig)),
    "sew": ("SEW, squeezed and upsampled",
            lambda s: (hf.SEWModel(hf.SEWConfig(
                hidden_size=s.hidden, num_hidden_layers=s.layers, num_attention_heads=s.heads,
                intermediate_size=s.inner, conv_dim=[32, 32], conv_kernel=[10, 3],
                conv_stride=[5, 2], num_conv_pos_embeddings=16,
                num_conv_pos_embedding_groups=4)), {"input_values": _wave(s)})),
    "data2vec_audio": ("Data2Vec, sound",
                       lambda s: (hf.Data2VecAudioModel(hf.Data2VecAudioConfig(
                           hidden_size=s.hidden, num_hidden_layers=s.layers,
                           num_attention_heads=s.heads, intermediate_size=s.inner,
                           conv_dim=[32, 32], conv_kernel=[10, 3], conv_stride=[5, 2],
                           num_conv_pos_embedding_groups=4)), {"input_values": _wave(s)})),
    "whisper": ("Whisper", _whisper),
    "speecht5": ("SpeechT5, speech to text", _speecht5),
    "speecht5_vocoder": ("SpeechT5's HiFi-GAN", _speecht5_vocoder),
    "speech_to_text": ("Speech2Text", _speech_to_text),
    "clap_audio": ("CLAP's audio tower", _clap),
    "ast": ("Audio spectrogram transformer", _ast),
    "encodec": ("EnCodec's encoder and decoder", _encodec),
    "encodec_codes": ("EnCodec with its codebooks", _encodec_codes),
    "dac": ("DAC, snake activations and codebooks", _dac),
    "time_series": ("Time series transformer",
                    lambda s: _series(s, hf.TimeSeriesTransformerModel,
                                      hf.TimeSeriesTransformerConfig)),
    "informer": ("Informer, sampled attention",
                 lambda s: _series(s, hf.InformerModel, hf.InformerConfig)),
    "autoformer": ("Autoformer, autocorrelation",
                   lambda s: _series(s, hf.AutoformerModel, hf.AutoformerConfig)),
    "patch_tst": ("PatchTST", _patch_tst),
    "patch_tsmixer": ("PatchTSMixer", _patch_tsmixer),
}

CASES = tuple(case(name, summary, build) for name, (summary, build) in _MODELS.items())
