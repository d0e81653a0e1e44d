"""The parts of `rlra defend`: material, contrasts, patterns, how sure they are, what they would cost."""
