"""What the studies compare saliedge with: other ways to the same end, as good as can be."""
