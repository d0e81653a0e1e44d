"""What decides which lines a policy should learn from: statistics, predicates, balance and budget."""
