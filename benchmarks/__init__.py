"""What the README's figures come from: one command each, ratios measured in one run."""
