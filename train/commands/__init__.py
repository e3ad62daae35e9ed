"""The subcommands of ``saliedge`` that train and measure, one a file, with what they share."""
