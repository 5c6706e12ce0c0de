"""The prompt database: association, object statistics, history."""
