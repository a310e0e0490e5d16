"""A visitor's small data set, the plans to tune a network on it, the queue that runs them, and what came of it."""
