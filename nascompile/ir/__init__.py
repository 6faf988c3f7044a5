"""The intermediate representation: symbols, types, graphs, decisions, programs. Knows no syntax."""
