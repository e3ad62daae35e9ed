"""What people and programs get to see of a report: text, page, pictures and the JSON file."""
