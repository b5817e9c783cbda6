"""What a step can do: one module a verb, each with `run(folder, params) -> Result`."""
