"""The rows of the table: which models of tools.models, in which order, and what the table calls them."""

ROWS = {
    "sub": "`a - b`, 2×3",
    "mlp": "MLP 8×64→256→64",
    "pointwise": "pointwise chain 512×1024, row mean",
    "mobilenet_v2": "MobileNetV2 1×3×224²",
    "resnet50": "ResNet-50 1×3×224²",
    "convnext_tiny": "ConvNeXt-tiny 1×3×224²",
    "unet": "UNet-like 1×3×256²",
    "bert_base": "BERT-base 1×128",
    "minilm": "all-MiniLM-L6-v2 4×32",
    "minilm_batch": "all-MiniLM-L6-v2 8×64",
    "vit_base": "ViT-base 1×3×224²",
    "gpt2": "GPT-2 1×64, all logits",
    "gpt2_decode": "GPT-2 decode, 1 token, cache of 512",
    "llama_block": "Llama-like block 1×128×1024",
    "lstm": "LSTM, 2 layers, 1×100×256",
}
