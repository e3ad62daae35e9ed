"""One part of each kind that another package can add to saliedge."""
