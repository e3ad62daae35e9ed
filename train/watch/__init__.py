"""What goes wrong in training of this kind: ``images`` measures it, ``findings`` names the knob."""
