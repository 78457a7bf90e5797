"""Arrays, enclosures, proved linear algebra and errors; imports nothing of the package above it."""
