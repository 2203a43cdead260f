"""From a draft to a durable record: the queue and the writer, or one record by a command."""
