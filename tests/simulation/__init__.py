"""Stories that a whole fleet plays, made by a physics of its own."""
