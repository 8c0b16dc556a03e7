"""From the text of a cell to its value: dates, ratings, emails, levels, durations."""
