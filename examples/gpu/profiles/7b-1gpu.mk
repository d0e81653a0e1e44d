# Qwen2.5-7B-Instruct on one GPU of 80 GB: a LoRA, since all weights take 16 bytes a parameter to train (122 GB).
MODEL     ?= Qwen/Qwen2.5-7B-Instruct
GPUS      := 1
TRAIN     := --spec specs/train-7b-lora.yaml
# Without the adapter a LoRA is the model that it began with, so this reference takes no room.
KL        ?= --beta 0.001
