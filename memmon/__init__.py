"""memmon: the memory recorder that long-running Python programs embed, and the verdict on it."""
