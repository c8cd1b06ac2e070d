"""A check on what goes in and comes out: the judges, the policy, and what joins them."""
