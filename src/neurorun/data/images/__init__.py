"""Images and their masks on disk: found in pairs, read by a stated rule, divided, kept."""
