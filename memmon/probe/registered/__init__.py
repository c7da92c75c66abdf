"""What the program registered: deques, components, sections, measures."""
