"""Side-by-side measurements: Holdfast against the bare server and real peers, on this machine, in one run."""
