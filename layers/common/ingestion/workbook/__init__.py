"""A workbook, `.xlsx`: its first sheet of rows as CSV text, and an error file written as one."""
