"""The rules of meetings: plain synchronous Python, no network, no tasks, no SQL, the time passed in."""
