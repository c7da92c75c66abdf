"""The alerts that the program tells of itself: dispatcher, cooldown, evidence, the hourly check."""
