"""Turn the text of a cell into its value: dates, ratings, emails, levels, durations."""
