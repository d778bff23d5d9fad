"""The console of the local platform: fine-tuning, models, services and datasets behind real signatures.

`store` keeps everything; `tasks`, `jobs`, `models`, `services` and `datasets` hold the rules of their
noun; `v1` and `v2` give them the two shapes of the wire; `gate` lets requests in.
"""
