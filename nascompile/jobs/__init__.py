"""What the commands that compute do: search, train, evaluate, compare, run all of it. Printing is the caller's."""
