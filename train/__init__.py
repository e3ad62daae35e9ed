"""Training: images to checkpoint, with PACT quantisation and saliency guidance."""
