"""PipelineTasks: thin shells over the numerics, with Rubin's labels and dataset types."""
