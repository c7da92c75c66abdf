"""What is true once: verdicts, states, rules and words that everything else derives from. Standard library only."""
