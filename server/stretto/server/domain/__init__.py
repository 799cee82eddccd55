"""Words and rules: plain Python that knows of no protocol, store or graph library."""
