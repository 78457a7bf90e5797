"""Arrays, enclosures, proved linear algebra and errors; nothing above it is imported."""
