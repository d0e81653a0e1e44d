# Qwen2.5-7B-Instruct on eight GPUs of 80 GB: all weights, with ZeRO-2.
MODEL     ?= Qwen/Qwen2.5-7B-Instruct
GPUS      := 8
ACCELERATE ?= accelerate/zero2.yaml
TRAIN     = --spec specs/train-7b-full.yaml --accelerate $(ACCELERATE)
KL        ?= --beta 0.001 --kl-reference base
