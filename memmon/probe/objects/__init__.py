"""What Python objects weigh and where they hang."""
