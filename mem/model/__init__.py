"""Data files that ship with mem: the table of word frequencies."""
