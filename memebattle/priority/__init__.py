"""The AI prioritisation engine: tasks in, scores with their reasons out."""
