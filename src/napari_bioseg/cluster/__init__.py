"""Several computers: connect to a dask cluster, follow its work, share one disk."""
