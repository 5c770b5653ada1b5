"""Floor 6: the HTTP doors. Bytes to Head, Reply to bytes; no knowledge of resources or stores."""
