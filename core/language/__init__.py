"""The text models and the ways to look into them."""
