"""Image models of transformers: classifiers, segmentation, depth, detection, image and text."""

import torch
import transformers as hf

from tools.models.zoo import case

_LABELS = 10


def _image(size, batch=1):
    return {"pixel_values": torch.randn(batch, 3, size.side, size.side)}


def _square(model, config, **more):
    """A vision transformer over 16x16 patches."""
    def build(size):
        sizes = dict(hidden_size=size.hidden, num_hidden_layers=size.layers,
                     num_attention_heads=size.heads, intermediate_size=size.inner,
                     image_size=size.side, patch_size=16)
        return model(config(**{**sizes, **more})), _image(size)
    return build


def _plain(model, config, **more):
    """A network whose configuration is given whole; its side comes with the image."""
    return lambda size: (model(config(**more)), _image(size))


def _sided(model, config, **more):
    """The same for those that must know the side."""
    return lambda size: (model(config(image_size=size.side, **more)), _image(size))


_SWIN = dict(embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=4, patch_size=4,
             num_labels=_LABELS)
_PYRAMID = dict(depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64], num_labels=_LABELS)


def _clip_text(size):
    return dict(vocab_size=size.vocabulary, hidden_size=size.hidden, intermediate_size=size.inner,
                num_hidden_layers=size.layers, num_attention_heads=size.heads,
                max_position_embeddings=4 * size.tokens, bos_token_id=1, eos_token_id=2,
                pad_token_id=0)


def _clip_vision(size):
    return dict(hidden_size=size.hidden, intermediate_size=size.inner, image_size=size.side,
                num_hidden_layers=size.layers, num_attention_heads=size.heads, patch_size=16)


def _pair(model, config):
    """A text tower and an image tower."""
    def build(size):
        made = model(config(text_config=_clip_text(size), vision_config=_clip_vision(size)))
        ids = torch.randint(3, size.vocabulary, (2, size.tokens))
        return made, {"input_ids": ids, **_image(size)}
    return build


def _upernet(size):
    backbone = hf.ConvNextConfig(depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64],
                                 out_features=["stage1", "stage2", "stage3", "stage4"])
    return hf.UperNetForSemanticSegmentation(hf.UperNetConfig(
        backbone_config=backbone, hidden_size=32, pool_scales=[1, 2, 3, 6], auxiliary_channels=16,
        auxiliary_in_channels=48, num_labels=_LABELS)), _image(size)


def _depth_anything(size):
    backbone = hf.Dinov2Config(
        hidden_size=size.hidden, num_hidden_layers=4, num_attention_heads=size.heads,
        image_size=size.side, patch_size=16, reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"])
    return hf.DepthAnythingForDepthEstimation(hf.DepthAnythingConfig(
        backbone_config=backbone, patch_size=16, reassemble_hidden_size=size.hidden,
        neck_hidden_sizes=[16, 24, 32, 48], fusion_hidden_size=16)), _image(size)


def _detr_parts(size):
    backbone = hf.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 48, 64],
                               depths=[1, 1, 1, 1], out_features=["stage4"])
    return dict(use_timm_backbone=False, backbone_config=backbone, d_model=size.hidden,
                encoder_layers=size.layers, decoder_layers=size.layers,
                encoder_attention_heads=size.heads, decoder_attention_heads=size.heads,
                encoder_ffn_dim=size.inner, decoder_ffn_dim=size.inner, num_queries=10,
                num_labels=_LABELS)


def _detector(model, config):
    return lambda size: (model(config(**_detr_parts(size))), _image(size))


def _deformable_detr(size):
    backbone = hf.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 48, 64],
                               depths=[1, 1, 1, 1], out_features=["stage2", "stage3", "stage4"])
    parts = {**_detr_parts(size), "backbone_config": backbone}
    return hf.DeformableDetrForObjectDetection(
        hf.DeformableDetrConfig(**parts)), _image(size)


def _sam_vision(size):
    return hf.SamVisionModel(hf.SamVisionConfig(
        hidden_size=size.hidden, output_channels=16, num_hidden_layers=size.layers,
        num_attention_heads=size.heads, image_size=size.side, patch_size=16, window_size=3,
        global_attn_indexes=[1], mlp_dim=size.inner)), _image(size)


def _sam_decoder(size):
    model = hf.SamModel(hf.SamConfig(
        vision_config=dict(hidden_size=32, output_channels=32, num_hidden_layers=1,
                           num_attention_heads=2, image_size=size.side, patch_size=16,
                           window_size=2, global_attn_indexes=[0], mlp_dim=32, num_pos_feats=16),
        prompt_encoder_config=dict(hidden_size=32, image_size=size.side, patch_size=16,
                                   mask_input_channels=8, image_embedding_size=size.side // 16),
        mask_decoder_config=dict(hidden_size=32, mlp_dim=64, num_attention_heads=2,
                                 iou_head_hidden_dim=32)))
    cells = size.side // 16
    return model, {"input_points": size.side * torch.rand(1, 1, 2, 2),
                   "input_labels": torch.tensor([[[1, 0]]]),
                   "image_embeddings": torch.randn(1, 32, cells, cells)}


def _vit_mae(size):
    model = hf.ViTMAEForPreTraining(hf.ViTMAEConfig(
        hidden_size=size.hidden, num_hidden_layers=size.layers, num_attention_heads=size.heads,
        intermediate_size=size.inner, image_size=size.side, patch_size=16, mask_ratio=0.5,
        decoder_hidden_size=32, decoder_num_hidden_layers=1, decoder_num_attention_heads=2,
        decoder_intermediate_size=64))
    return model, {**_image(size), "noise": torch.rand(1, (size.side // 16) ** 2)}


def _videomae(size):
    model = hf.VideoMAEModel(hf.VideoMAEConfig(
        hidden_size=size.hidden, num_hidden_layers=size.layers, num_attention_heads=size.heads,
        intermediate_size=size.inner, image_size=size.side, patch_size=16, num_frames=4))
    return model, {"pixel_values": torch.randn(1, 4, 3, size.side, size.side)}


def _perceiver(size):
    model = hf.PerceiverModel(hf.PerceiverConfig(
        num_latents=8, d_latents=32, d_model=size.hidden, num_blocks=1,
        num_self_attends_per_block=2, num_self_attention_heads=2, num_cross_attention_heads=2))
    return model, {"inputs": torch.randn(1, size.tokens, size.hidden)}


def _swin2sr(size):
    return hf.Swin2SRForImageSuperResolution(hf.Swin2SRConfig(
        image_size=size.side, embed_dim=24, depths=[2, 2], num_heads=[2, 2], window_size=8,
        upscale=2)), _image(size)


def _vilt(size):
    model = hf.ViltModel(hf.ViltConfig(
        vocab_size=size.vocabulary, hidden_size=size.hidden, num_hidden_layers=size.layers,
        num_attention_heads=size.heads, intermediate_size=size.inner, image_size=size.side,
        patch_size=16, max_position_embeddings=4 * size.tokens))
    return model, {"input_ids": torch.randint(3, size.vocabulary, (1, size.tokens)),
                   **_image(size)}


# name: summary, builder
_MODELS = {
    "vit": ("ViT", _square(hf.ViTForImageClassification, hf.ViTConfig)),
    "deit": ("DeiT", _square(hf.DeiTForImageClassification, hf.DeiTConfig)),
    "beit": ("BEiT, relative position bias",
             _square(hf.BeitForImageClassification, hf.BeitConfig,
                     use_relative_position_bias=True, out_indices=[1])),
    "data2vec_vision": ("Data2Vec, images",
                        _square(hf.Data2VecVisionModel, hf.Data2VecVisionConfig,
                                use_shared_relative_position_bias=True, out_indices=[1])),
    "dinov2": ("DINOv2, layer scale",
               _square(hf.Dinov2ForImageClassification, hf.Dinov2Config, mlp_ratio=2)),
    "dinov2_registers": ("DINOv2 with registers, SwiGLU",
                         _square(hf.Dinov2WithRegistersModel, hf.Dinov2WithRegistersConfig,
                                 mlp_ratio=2, use_swiglu_ffn=True)),
    "vit_mae": ("ViT-MAE, masked by sorted noise", _vit_mae),
    "vit_msn": ("ViT-MSN", _square(hf.ViTMSNModel, hf.ViTMSNConfig)),
    "yolos": ("YOLOS",
              lambda s: (hf.YolosForObjectDetection(hf.YolosConfig(
                  hidden_size=s.hidden, num_hidden_layers=s.layers, num_attention_heads=s.heads,
                  intermediate_size=s.inner, image_size=[s.side, s.side], patch_size=16,
                  num_detection_tokens=5)), _image(s))),
    "swin": ("Swin", _sided(hf.SwinForImageClassification, hf.SwinConfig, **_SWIN)),
    "swinv2": ("Swin v2", _sided(hf.Swinv2ForImageClassification, hf.Swinv2Config, **_SWIN)),
    "swin2sr": ("Swin2SR, super-resolution", _swin2sr),
    "convnext": ("ConvNeXt", _plain(hf.ConvNextForImageClassification, hf.ConvNextConfig,
                                    **_PYRAMID)),
    "convnextv2": ("ConvNeXt v2", _plain(hf.ConvNextV2ForImageClassification, hf.ConvNextV2Config,
                                         **_PYRAMID)),
    "resnet_basic": ("ResNet, basic blocks",
                     _plain(hf.ResNetForImageClassification, hf.ResNetConfig, embedding_size=16,
                            layer_type="basic", **_PYRAMID)),
    "regnet": ("RegNet-Y, groups and squeeze-excitation",
               _plain(hf.RegNetForImageClassification, hf.RegNetConfig, embedding_size=16,
                      groups_width=8, layer_type="y", **_PYRAMID)),
    "efficientnet": ("EfficientNet",
                     _sided(hf.EfficientNetForImageClassification, hf.EfficientNetConfig,
                            width_coefficient=0.25, depth_coefficient=0.3, hidden_dim=320,
                            num_labels=_LABELS)),
    "mobilenet_v1": ("MobileNet v1",
                     _sided(hf.MobileNetV1ForImageClassification, hf.MobileNetV1Config,
                            depth_multiplier=0.25, num_labels=_LABELS)),
    "mobilenet_v2_seg": ("MobileNet v2 with DeepLabV3+",
                         _sided(hf.MobileNetV2ForSemanticSegmentation, hf.MobileNetV2Config,
                                depth_multiplier=0.35, num_labels=_LABELS)),
    "mobilevit": ("MobileViT",
                  _sided(hf.MobileViTForImageClassification, hf.MobileViTConfig,
                         hidden_sizes=[24, 32, 40], neck_hidden_sizes=[8, 16, 24, 32, 40, 48, 64],
                         num_attention_heads=4, num_labels=_LABELS)),
    "mobilevitv2": ("MobileViT v2, linear attention",
                    _sided(hf.MobileViTV2ForImageClassification, hf.MobileViTV2Config,
                           width_multiplier=0.5, base_attn_unit_dims=[16, 24, 32],
                           num_labels=_LABELS)),
    "segformer": ("SegFormer",
                  _plain(hf.SegformerForSemanticSegmentation, hf.SegformerConfig,
                         depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64],
                         num_attention_heads=[1, 2, 3, 4], decoder_hidden_size=32,
                         num_labels=_LABELS)),
    "glpn": ("GLPN, depth",
             _plain(hf.GLPNForDepthEstimation, hf.GLPNConfig, depths=[1, 1, 1, 1],
                    hidden_sizes=[16, 32, 48, 64], num_attention_heads=[1, 2, 3, 4],
                    decoder_hidden_size=32)),
    "pvt": ("PVT",
            lambda s: (hf.PvtForImageClassification(hf.PvtConfig(
                image_size=s.side, depths=[1, 1, 1, 1], hidden_sizes=[16, 32, 48, 64],
                num_attention_heads=[1, 2, 3, 4], num_labels=_LABELS)), _image(s))),
    "pvt_v2": ("PVT v2",
               _sided(hf.PvtV2ForImageClassification, hf.PvtV2Config, depths=[1, 1, 1, 1],
                      hidden_sizes=[16, 32, 48, 64], num_attention_heads=[1, 2, 3, 4],
                      num_labels=_LABELS)),
    "upernet": ("UPerNet over ConvNeXt", _upernet),
    "dpt": ("DPT, depth",
            _square(hf.DPTForDepthEstimation, hf.DPTConfig, num_hidden_layers=4,
                    backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[16, 24, 32, 48],
                    fusion_hidden_size=16, is_hybrid=False)),
    "depth_anything": ("Depth Anything over DINOv2", _depth_anything),
    "detr": ("DETR", _detector(hf.DetrForObjectDetection, hf.DetrConfig)),
    "conditional_detr": ("Conditional DETR",
                         _detector(hf.ConditionalDetrForObjectDetection,
                                   hf.ConditionalDetrConfig)),
    "table_transformer": ("Table Transformer",
                          _detector(hf.TableTransformerForObjectDetection,
                                    hf.TableTransformerConfig)),
    "deformable_detr": ("Deformable DETR, sampled attention", _deformable_detr),
    "levit": ("LeViT",
              _sided(hf.LevitForImageClassification, hf.LevitConfig, hidden_sizes=[32, 48, 64],
                     num_attention_heads=[2, 3, 4], depths=[1, 1, 1], key_dim=[8, 8, 8],
                     num_labels=_LABELS)),
    "poolformer": ("PoolFormer",
                   _plain(hf.PoolFormerForImageClassification, hf.PoolFormerConfig,
                          **_PYRAMID)),
    "cvt": ("CvT",
            _plain(hf.CvtForImageClassification, hf.CvtConfig, embed_dim=[16, 32, 48],
                   num_heads=[1, 2, 3], depth=[1, 2, 3], num_labels=_LABELS)),
    "focalnet": ("FocalNet",
                 _sided(hf.FocalNetForImageClassification, hf.FocalNetConfig, embed_dim=24,
                        depths=[1, 1, 1, 1], hidden_sizes=[24, 48, 96, 192],
                        num_labels=_LABELS)),
    "swiftformer": ("SwiftFormer",
                    _sided(hf.SwiftFormerForImageClassification, hf.SwiftFormerConfig,
                           depths=[1, 1, 1, 1], embed_dims=[16, 24, 32, 48],
                           num_labels=_LABELS)),
    "bit": ("BiT, GroupNorm and standardised weights",
            _plain(hf.BitForImageClassification, hf.BitConfig, embedding_size=32,
                   hidden_sizes=[32, 64, 96, 128], depths=[1, 1, 1, 1], num_groups=8,
                   num_labels=_LABELS)),
    "hiera": ("Hiera",
              lambda s: (hf.HieraForImageClassification(hf.HieraConfig(
                  image_size=[s.side, s.side], embed_dim=24, depths=[1, 1, 2, 1],
                  num_heads=[1, 2, 4, 8], num_labels=_LABELS)), _image(s))),
    "textnet": ("TextNet", lambda s: (hf.TextNetModel(hf.TextNetConfig(
        image_size=[s.side, s.side])), _image(s))),
    "superpoint": ("SuperPoint's kind: keypoints", lambda s: (
        hf.SuperPointForKeypointDetection(hf.SuperPointConfig()), _image(s))),
    "clip": ("CLIP", _pair(hf.CLIPModel, hf.CLIPConfig)),
    "siglip": ("SigLIP", _pair(hf.SiglipModel, hf.SiglipConfig)),
    "vilt": ("ViLT", _vilt),
    "sam_vision": ("SAM's image encoder", _sam_vision),
    "sam_decoder": ("SAM's prompt encoder and mask decoder", _sam_decoder),
    "videomae": ("VideoMAE", _videomae),
    "perceiver": ("Perceiver", _perceiver),
}

CASES = tuple(case(name, summary, build) for name, (summary, build) in _MODELS.items())
