"""qianfan (being laid)."""
