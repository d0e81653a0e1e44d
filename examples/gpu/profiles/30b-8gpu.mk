# Qwen3-30B-A3B, the paper's base, on eight GPUs of 80 GB: all weights, with ZeRO-3.
MODEL     ?= Qwen/Qwen3-30B-A3B
GPUS      := 8
# Where 80 GB are too few, or KL is wanted: make ACCELERATE=accelerate/zero3-offload.yaml
ACCELERATE ?= accelerate/zero3.yaml
TRAIN     = --spec specs/train-30b-full.yaml --accelerate $(ACCELERATE)
# A reference model takes 7.6 GB more on each GPU: make KL='--beta 0.001 --kl-reference base'
KL        ?=
