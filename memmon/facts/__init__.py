"""What is true once: tables of facts that the other packages derive from."""
