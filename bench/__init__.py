"""What the performance claims are measured with: real processes, each beside a bare Starlette route in the same run."""
