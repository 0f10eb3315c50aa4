# promises: missing
