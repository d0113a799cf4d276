"""The learning centre: choose-course records, my course table, grants."""
