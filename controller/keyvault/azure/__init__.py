"""Azure's SDK and its errors, known to nobody else."""
