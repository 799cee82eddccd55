"""`troubleshooting`: what went wrong with jobs and machines, asked of several sources side by side."""
