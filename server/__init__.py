"""The composition root: HTTP, Socket.IO, storage, configuration. Knows everyone, decides nothing about meetings."""
